package packaging

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// goreleaser is the part of .goreleaser.yaml that the tests look at.
type goreleaser struct {
	Version int
	Builds  []struct {
		Env, Goos, Goarch, Flags, Ldflags []string
		ModTimestamp                      string `yaml:"mod_timestamp"`
	}
	Nfpms    []map[string]any
	Checksum struct{ Algorithm string }
	Signs    []struct{ Cmd, Artifacts string }
	Sboms    []struct{ Artifacts string }
	Dockers  []struct {
		Dockerfile string
		Platforms  []string
		ExtraFiles []string `yaml:"extra_files"`
		BuildArgs  map[string]string
	} `yaml:"dockers_v2"`
	DockerSigns []struct{ Cmd, Artifacts string } `yaml:"docker_signs"`
	Archives    []struct {
		Files []struct{ Src string }
	}
}

func loadGoreleaser(t *testing.T) goreleaser {
	t.Helper()
	var config goreleaser
	if err := yaml.Unmarshal([]byte(read(t, repository(t), ".goreleaser.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	if config.Version != 2 || len(config.Builds) != 1 || len(config.Nfpms) != 1 || len(config.Dockers) != 1 || len(config.Archives) != 1 {
		t.Fatalf("not what the tests know: %+v", config)
	}
	return config
}

// TestGoreleaserAcceptsItsConfiguration needs goreleaser itself, which takes minutes to
// build; the other tests do without.
func TestGoreleaserAcceptsItsConfiguration(t *testing.T) {
	if _, err := exec.LookPath("goreleaser"); err != nil {
		t.Skip("there is no goreleaser here")
	}
	output(t, "goreleaser", "check", filepath.Join(repository(t), ".goreleaser.yaml"))
}

// TestEveryKeyOfGoreleaserIsKnown finds a misspelt key at the top.
func TestEveryKeyOfGoreleaserIsKnown(t *testing.T) {
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(read(t, repository(t), ".goreleaser.yaml")), &keys); err != nil {
		t.Fatal(err)
	}
	for key := range keys {
		if !slices.Contains([]string{
			"version", "project_name", "builds", "archives", "nfpms", "checksum", "sboms", "signs",
			"dockers_v2", "docker_signs", "release", "changelog",
		}, key) {
			t.Errorf("unknown key %q", key)
		}
	}
}

// TestBothDebianPackagesAreTheSame compares what goreleaser ships with nfpm.yaml.
func TestBothDebianPackagesAreTheSame(t *testing.T) {
	var nfpm map[string]any
	if err := yaml.Unmarshal([]byte(read(t, repository(t), "deploy/debian/nfpm.yaml")), &nfpm); err != nil {
		t.Fatal(err)
	}
	shipped := loadGoreleaser(t).Nfpms[0]
	if nfpm["name"] != shipped["package_name"] || shipped["bindir"] != "/usr/bin" {
		t.Errorf("package %v, goreleaser's is %v with binaries in %v", nfpm["name"], shipped["package_name"], shipped["bindir"])
	}
	contents := nfpm["contents"].([]any)
	if binary := contents[0].(map[string]any); binary["dst"] != "/usr/bin/whereby_exporter" {
		t.Errorf("the first file is %v, want the binary, which goreleaser adds by itself", binary["dst"])
	}
	nfpm["contents"] = contents[1:]
	for _, key := range []string{"section", "priority", "maintainer", "homepage", "license", "description", "recommends", "contents", "scripts", "deb"} {
		if !reflect.DeepEqual(nfpm[key], shipped[key]) {
			t.Errorf("%s differs:\n%v\ngoreleaser's:\n%v", key, nfpm[key], shipped[key])
		}
	}
}

// TestReleasesAreBuiltAsTheDockerfileDoes compares flags, and looks for what makes a
// build reproducible.
func TestReleasesAreBuiltAsTheDockerfileDoes(t *testing.T) {
	config := loadGoreleaser(t)
	build := config.Builds[0]
	if !slices.Contains(build.Env, "CGO_ENABLED=0") || !slices.Contains(build.Flags, "-trimpath") ||
		!slices.Contains(build.Flags, "-buildvcs=false") || build.ModTimestamp != "{{ .CommitTimestamp }}" {
		t.Errorf("the build is not reproducible: %+v", build)
	}
	set := regexp.MustCompile(`-X (\S+)=`)
	docker := set.FindAllStringSubmatch(read(t, repository(t), "Dockerfile"), -1)
	shipped := set.FindAllStringSubmatch(strings.Join(build.Ldflags, " "), -1)
	if len(docker) == 0 || !reflect.DeepEqual(docker, shipped) {
		t.Errorf("ldflags set %v, the Dockerfile's %v", shipped, docker)
	}
	for _, os := range []string{"linux", "darwin", "windows"} {
		if !slices.Contains(build.Goos, os) {
			t.Errorf("no build for %s", os)
		}
	}
}

// TestTheReadmeOfAnArchiveLeadsSomewhere holds that what the README links to, and the pictures
// in it, are packed next to it.
func TestTheReadmeOfAnArchiveLeadsSomewhere(t *testing.T) {
	files := loadGoreleaser(t).Archives[0].Files
	links := regexp.MustCompile(`(?:\]\(|src=")([a-zA-Z][^):"#]*)[)#"]`).FindAllStringSubmatch(read(t, repository(t), "README.md"), -1)
	if len(links) < 20 {
		t.Fatalf("the README has only %d links", len(links))
	}
	for _, link := range links {
		if !slices.ContainsFunc(files, func(file struct{ Src string }) bool {
			match, err := path.Match(file.Src, link[1])
			return err == nil && match || path.Dir(file.Src) == link[1]
		}) {
			t.Errorf("no archive has %s", link[1])
		}
	}
}

// TestEverythingReleasedIsSigned looks at what RELEASING.md promises.
func TestEverythingReleasedIsSigned(t *testing.T) {
	config := loadGoreleaser(t)
	if config.Checksum.Algorithm != "sha256" || len(config.Signs) != 1 || config.Signs[0].Cmd != "cosign" || config.Signs[0].Artifacts != "checksum" {
		t.Errorf("the checksums are not signed: %+v", config.Signs)
	}
	if len(config.DockerSigns) != 1 || config.DockerSigns[0].Cmd != "cosign" {
		t.Errorf("the image is not signed: %+v", config.DockerSigns)
	}
	if len(config.Sboms) != 1 {
		t.Error("no SBOM")
	}
}

// TestTheImageGetsAllSources fails where a new folder of the product is not handed to
// the Dockerfile, and where a file that is shipped is not there.
func TestTheImageGetsAllSources(t *testing.T) {
	root := repository(t)
	config := loadGoreleaser(t)
	list := output(t, "go", "list", "-C", root, "-f", "{{if .GoFiles}}{{.Dir}}{{end}}", "./...")
	for dir := range strings.FieldsSeq(string(list)) {
		name, err := filepath.Rel(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		if top, _, _ := strings.Cut(name, string(filepath.Separator)); top != "." && !slices.Contains(config.Dockers[0].ExtraFiles, top) {
			t.Errorf("extra_files lacks %s", top)
		}
	}
	for _, file := range config.Dockers[0].ExtraFiles {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Error(err)
		}
	}
	for _, file := range config.Archives[0].Files {
		found, err := filepath.Glob(filepath.Join(root, file.Src))
		if err != nil || len(found) == 0 {
			t.Errorf("%s: no such file (%v)", file.Src, err)
		}
	}
}
