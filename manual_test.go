package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"whereby_exporter/collector/app"
)

// TestManualAndCompletionsEqualTheFlags holds the files that packages ship against the
// command line that they describe.
func TestManualAndCompletionsEqualTheFlags(t *testing.T) {
	model := commandLine(t)
	for file, want := range map[string]string{
		"deploy/man/whereby_exporter.1":           manual(model),
		"deploy/completion/whereby_exporter.bash": bashCompletion(model),
		"deploy/completion/whereby_exporter.zsh":  zshCompletion(model),
		"deploy/completion/whereby_exporter.fish": fishCompletion(model),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the flags say; run go test . -update", file)
		}
	}
}

// TestManualIsCleanRoff has man format the page at several widths: it must warn of
// nothing, and lose no flag.
func TestManualIsCleanRoff(t *testing.T) {
	if _, err := exec.LookPath("man"); err != nil {
		t.Skip("there is no man here")
	}
	page, err := filepath.Abs("deploy/man/whereby_exporter.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []string{"60", "80", "200"} {
		cmd := exec.CommandContext(t.Context(), "man", "--warnings", "--local-file", "-E", "UTF-8", page)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH="+width, "MANPAGER=cat", "MAN_KEEP_FORMATTING=")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("width %s: %v\n%s", width, err, &stderr)
		}
		for _, command := range commandLine(t).Children {
			for _, flag := range command.Flags {
				if !strings.Contains(stdout.String(), "--"+flag.Name) {
					t.Errorf("width %s: the page shows no --%s", width, flag.Name)
				}
			}
		}
	}
}

// commandLine is the model that Kong parses with.
func commandLine(t *testing.T) *kong.Application {
	t.Helper()
	model, err := app.CommandLine()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// roff escapes text: a hyphen of a flag is one that can be copied, and no line may
// begin with what roff takes for a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func manual(model *kong.Application) string {
	var b strings.Builder
	b.WriteString(`.\" Written by go test . -update from the command line itself; do not edit.
.TH WHEREBY_EXPORTER 1 "" whereby_exporter "User Commands"
.SH NAME
whereby_exporter \- Prometheus exporter for Whereby
.SH SYNOPSIS
.B whereby_exporter
.RI [ command ]
.RI [ flags ]
.SH DESCRIPTION
It exposes the usage of a Whereby account to Prometheus: participant, recorder and streamer minutes, sessions,
rooms, quotas and call quality from the Insights API, and the people in rooms now from signed webhooks, all by
room prefix.
.PP
Every flag has an environment variable, which counts where the flag is not given.
.SH COMMANDS
`)
	for _, command := range model.Children {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(command.Name), roff(command.Help))
	}
	b.WriteString(".SH FLAGS OF EVERY COMMAND\n")
	for _, flag := range model.Flags {
		manualFlag(&b, flag)
	}
	for i, command := range model.Children {
		fmt.Fprintf(&b, ".SH FLAGS OF %s\n", strings.ToUpper(roff(command.Name)))
		group := ""
		for _, flag := range command.Flags {
			if i > 0 && hasFlag(model.Children[0], flag) {
				continue
			}
			if flag.Group != nil && flag.Group.Title != group {
				group = flag.Group.Title
				fmt.Fprintf(&b, ".SS %s\n", roff(group))
			}
			manualFlag(&b, flag)
		}
		if i == 0 {
			continue
		}
		var shared []string
		for _, flag := range command.Flags {
			if hasFlag(model.Children[0], flag) {
				shared = append(shared, `\fB`+roff("--"+flag.Name)+`\fR`)
			}
		}
		if len(shared) > 0 {
			fmt.Fprintf(&b, ".PP\nAs with %s:\n%s.\n", model.Children[0].Name, strings.Join(shared, ",\n"))
		}
	}
	b.WriteString(`.SH ENVIRONMENT
.TP
.B WHEREBY_API_KEY
The API key, where no file holds it.
.TP
.B WHEREBY_WEBHOOK_SECRET
The secret of webhooks, where no file holds it.
.SH SIGNALS
.TP
.B SIGHUP
Reads the configuration file anew. One with a mistake changes nothing.
.TP
.B SIGTERM
Ends the exporter within 5 seconds.
.SH EXIT STATUS
0 after success or SIGTERM, 1 after an error, which is one line on standard error.
.SH FILES
These are the files of the Debian package.
.TP
.I /etc/whereby_exporter/config.yml
Customers, quotas and billing periods.
.TP
.I /etc/whereby_exporter/api\-key
The API key, readable by root alone; the service gets it as a credential.
.TP
.I /etc/default/whereby_exporter
Environment variables of the service.
.TP
.I /var/lib/whereby_exporter
The store.
.SH EXAMPLES
Try it without an API key:
.PP
.RS
.nf
whereby_exporter demo
.fi
.RE
.PP
Check the configuration and the API key, for one point of the rate limit:
.PP
.RS
.nf
whereby_exporter check \-\-online \-\-config.file=/etc/whereby_exporter/config.yml \e
    \-\-whereby.api\-key\-file=/etc/whereby_exporter/api\-key
.fi
.RE
.SH SEE ALSO
.BR systemctl (1),
.BR systemd\-creds (1)
`)
	return b.String()
}

// hasFlag tells whether a command has the same flag, with the same meaning.
func hasFlag(command *kong.Node, flag *kong.Flag) bool {
	for _, other := range command.Flags {
		if other.Name == flag.Name && other.Help == flag.Help {
			return true
		}
	}
	return false
}

func manualFlag(b *strings.Builder, flag *kong.Flag) {
	b.WriteString(".TP\n")
	if flag.Short != 0 {
		fmt.Fprintf(b, `\fB\-%c\fR, `, flag.Short)
	}
	fmt.Fprintf(b, `\fB%s\fR`, roff("--"+flag.Name))
	if !flag.IsBool() {
		fmt.Fprintf(b, `=\fI%s\fR`, roff(strings.Trim(flag.FormatPlaceHolder(), `"`)))
	}
	fmt.Fprintf(b, "\n%s\n", roff(flag.Help))
	for _, env := range flag.Envs {
		fmt.Fprintf(b, ".br\nEnvironment: %s\n", roff(env))
	}
}
