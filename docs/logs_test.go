package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	quoted   = regexp.MustCompile("(?m)^\\| `([^`|]* [^`|]*)`")
	logRow   = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	logError = regexp.MustCompile(`\b[Ll]og(?:ger)?\.Error(?:Context)?\((?:ctx, )?"([^"]+)"`)
)

// TestLogMessagesAreThoseOfTheCode holds docs/logs.md to the code: its messages are there, and
// no message of level error is missing.
func TestLogMessagesAreThoseOfTheCode(t *testing.T) {
	t.Chdir(root)
	page, known := read(t, "docs/logs.md"), knownNames(t)
	rows := logRow.FindAllStringSubmatch(page, -1)
	if len(rows) < 20 {
		t.Fatalf("only %d messages", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(known.source, `"`+row[1]+`"`) {
			t.Errorf("docs/logs.md has the message %q, which the code does not log", row[1])
		}
	}
	logged := logError.FindAllStringSubmatch(known.source, -1)
	if len(logged) < 5 {
		t.Fatalf("only %d errors are logged", len(logged))
	}
	for _, message := range logged {
		if !strings.Contains(page, "| `"+message[1]+"` |") {
			t.Errorf("docs/logs.md has no row for the error %q; add: | `%s` | means | do |", message[1], message[1])
		}
	}
}

// ofOthers are messages on the page on mistakes that are not the exporter's own: of the operating
// system, Docker, Kubernetes, and Alertmanager.
var ofOthers = []string{
	"permission denied", "bind source path does not exist", "port is already allocated", "ErrImagePull", "ImagePullBackOff",
	"MountVolume.SetUp failed", `no matches for kind "ServiceMonitor"`, "Notify for alerts failed",
}

// TestQuotedMessagesAreThere looks for the messages that begin rows of the page on mistakes, in
// the code and in the chart.
func TestQuotedMessagesAreThere(t *testing.T) {
	t.Chdir(root)
	source := knownNames(t).source + read(t, "deploy/helm/whereby-exporter/templates/_helpers.tpl")
	messages := quoted.FindAllStringSubmatch(read(t, "docs/troubleshooting.md"), -1)
	if len(messages) < 10 {
		t.Fatalf("only %d messages", len(messages))
	}
	for _, message := range messages {
		for part := range strings.SplitSeq(message[1], "…") {
			if part = strings.TrimSpace(part); !slices.Contains(ofOthers, part) && !strings.Contains(source, strings.TrimPrefix(part, "file ")) {
				t.Errorf("docs/troubleshooting.md quotes %q, which neither the code nor the chart says", message[1])
			}
		}
	}
}
