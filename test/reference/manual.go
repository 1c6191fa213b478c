package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

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
	b.WriteString(`.\" ` + generated + `
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
Reads the configuration file again. One with a mistake changes nothing.
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

// hasFlag reports whether a command has the same flag, with the same meaning.
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
