package reference

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestCompletionsComplete asks the shells that are here what they would offer.
func TestCompletionsComplete(t *testing.T) {
	model := commandLine(t)
	for _, c := range []struct {
		name, words string
		want        []string
	}{
		{"commands come first", "", commandNames(model)},
		{"a begun command", "da", []string{"dashboards"}},
		{"flags of the command", "demo --sidecar.", []string{"--sidecar.dashboards-dir", "--sidecar.http.config.file", "--sidecar.reload-url", "--sidecar.rules-dir"}},
		{"without a command, those of run", "--poll.", []string{"--poll.full-scan-interval", "--poll.interval"}},
		{"flags of all commands", "healthcheck --log.", []string{"--log.format", "--log.level"}},
		{"no flag of another command", "healthcheck --storage", nil},
	} {
		t.Run("bash, "+c.name, func(t *testing.T) {
			words := append([]string{"whereby_exporter"}, strings.Split(c.words, " ")...)
			script := `source deploy/completion/whereby_exporter.bash
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _whereby_exporter; printf '%s\n' "${COMPREPLY[@]}"`
			expectOffers(t, c.want, "bash", append([]string{"-c", script, "bash"}, words...)...)
		})
		t.Run("fish, "+c.name, func(t *testing.T) {
			script := "source deploy/completion/whereby_exporter.fish; complete -C " + `"whereby_exporter ` + c.words + `"`
			expectOffers(t, c.want, "fish", "--no-config", "-c", script)
		})
	}
	t.Run("zsh reads its file", func(t *testing.T) {
		expectOffers(t, nil, "zsh", "-n", "deploy/completion/whereby_exporter.zsh")
	})
	t.Run("zsh has every flag", func(t *testing.T) {
		// Completion needs a terminal there; so what is handed to _arguments is looked at.
		script := `_arguments() { print -rl -- "$@" >&2 }; _describe() { : }; words=(whereby_exporter demo --); CURRENT=3
source deploy/completion/whereby_exporter.zsh 2>&1 | sed -n 's/^\(--[a-z.-]*\).*/\1/p'`
		var want []string
		for _, flag := range flagsOf(model, "demo") {
			want = append(want, "--"+flag.Name)
		}
		expectOffers(t, want, "zsh", "-f", "-c", script)
	})
}

func expectOffers(t *testing.T, want []string, shell string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skipf("there is no %s here", shell)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = root
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got []string
	for line := range strings.Lines(stdout.String()) {
		offer, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if offer != "" {
			got = append(got, strings.TrimSuffix(offer, "="))
		}
	}
	want = slices.Clone(want)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("offers %q, want %q", got, want)
	}
}
