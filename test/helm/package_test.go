package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/release"
)

func TestHelmLintFindsNoFault(t *testing.T) {
	for _, name := range sets(t) {
		linter := lint.All(filepath.Join(root(t), chartDir), set(t, name), "whereby", true)
		for _, message := range linter.Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, message)
			}
		}
		if len(linter.Messages) == 0 {
			t.Errorf("%s: not even that there is no icon: nothing was checked", name)
		}
	}
}

// What is packaged is what others install: no file of it may be left behind.
func TestThePackagedChartRendersTheSame(t *testing.T) {
	file, err := chartutil.Save(loadChart(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := loader.LoadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sets(t) {
		want, _, err := Render(loadChart(t), Release, set(t, name))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := Render(packed, Release, set(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the packaged chart renders something else", name)
		}
	}
}

// Helm keeps a release in a Secret, which may have 1 MiB.
func TestAReleaseFitsASecret(t *testing.T) {
	c := loadChart(t)
	documents, notes, err := Render(c, Release, set(t, "everything"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest strings.Builder
	for _, document := range documents {
		manifest.WriteString(document.YAML)
	}
	content, err := json.Marshal(release.Release{Name: Release, Chart: c, Manifest: manifest.String(), Info: &release.Info{Notes: notes}})
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// The API takes it in base64, in which Helm has put it before.
	size := base64.StdEncoding.EncodedLen(packed.Len())
	t.Logf("a release has %d of %d bytes", size, 1<<20)
	if size > 1<<19 {
		t.Errorf("a release has %d bytes: over half of what fits a Secret", size)
	}
}

func TestTheChartRunsAsTheImageDoes(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root(t), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"USER 65534:65534\n", "VOLUME /data\n", "EXPOSE 10036 10037\n", `ENTRYPOINT ["/whereby_exporter"]`} {
		if !strings.Contains(string(content), line) {
			t.Errorf("the image has no line %q, and the chart takes it for granted", line)
		}
	}
	c := mustRender(t, nil).pod().Spec.SecurityContext
	if *c.RunAsUser != 65534 || *c.RunAsGroup != 65534 || *c.FSGroup != 65534 {
		t.Errorf("the pod runs as %d:%d", *c.RunAsUser, *c.RunAsGroup)
	}
}
