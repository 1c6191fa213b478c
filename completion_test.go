package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

const generated = "# Written by go test . -update from the command line itself; do not edit.\n"

// TestCompletionsComplete asks the shells that are here what they would offer.
func TestCompletionsComplete(t *testing.T) {
	model := commandLine(t)
	for _, c := range []struct {
		name, words string
		want        []string
	}{
		{"commands come first", "", commandNames(model)},
		{"a begun command", "da", []string{"dashboards"}},
		{"flags of the command", "demo --sidecar.", []string{"--sidecar.dashboards-dir", "--sidecar.reload-url", "--sidecar.rules-dir"}},
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

func commandNames(model *kong.Application) []string {
	var names []string
	for _, command := range model.Children {
		names = append(names, command.Name)
	}
	return names
}

// flagsOf are the flags that may follow a command.
func flagsOf(model *kong.Application, name string) []*kong.Flag {
	for _, command := range model.Children {
		if command.Name == name {
			return slices.Concat(command.Flags, model.Flags)
		}
	}
	return nil
}

// kind is what a shell should offer as a flag's value.
func kind(flag *kong.Flag) string {
	switch {
	case flag.IsBool():
		return "none"
	case flag.Enum != "":
		return "enum"
	case flag.PlaceHolder == "FILE":
		return "file"
	case flag.PlaceHolder == "DIR":
		return "dir"
	}
	return "text"
}

func bashCompletion(model *kong.Application) string {
	var b strings.Builder
	b.WriteString(generated + `
_whereby_exporter() {
    local word=${COMP_WORDS[COMP_CWORD]} flag= command= flags= i
    # Bash splits --flag=value at the equals sign.
    if [[ $word == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-1]} word=
    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $word != -* ]]; then
        flag=${COMP_WORDS[COMP_CWORD-1]}
    fi
    case $flag in
`)
	cases := map[string][]string{}
	for _, flag := range everyFlag(model) {
		action := ""
		switch kind(flag) {
		case "file":
			action = `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return`
		case "dir":
			action = `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$word")); return`
		case "enum":
			action = fmt.Sprintf(`COMPREPLY=($(compgen -W '%s' -- "$word")); return`, strings.ReplaceAll(flag.Enum, ",", " "))
		case "text":
			action = "return"
		}
		if action != "" {
			cases[action] = append(cases[action], "--"+flag.Name)
		}
	}
	for _, action := range sortedKeys(cases) {
		fmt.Fprintf(&b, "    %s) %s ;;\n", strings.Join(cases[action], "|"), action)
	}
	fmt.Fprintf(&b, `    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        %s) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $command in
`, strings.Join(commandNames(model), "|"))
	for i, command := range model.Children {
		pattern := command.Name
		if i == 0 {
			pattern += "|''"
		}
		var names []string
		for _, flag := range flagsOf(model, command.Name) {
			names = append(names, "--"+flag.Name)
		}
		fmt.Fprintf(&b, "    %s) flags='%s' ;;\n", pattern, strings.Join(names, " "))
	}
	fmt.Fprintf(&b, `    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$word"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W '%s' -- "$word"))
    fi
}

complete -F _whereby_exporter whereby_exporter
`, strings.Join(commandNames(model), " "))
	return b.String()
}

// everyFlag has one flag of each name.
func everyFlag(model *kong.Application) []*kong.Flag {
	var flags []*kong.Flag
	seen := map[string]bool{}
	for _, command := range model.Children {
		for _, flag := range flagsOf(model, command.Name) {
			if !seen[flag.Name] {
				seen[flag.Name] = true
				flags = append(flags, flag)
			}
		}
	}
	return flags
}

func sortedKeys(m map[string][]string) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// quote is for text between single quotes, in which zsh and fish differ.
func quote(text, apostrophe string) string {
	return "'" + strings.ReplaceAll(text, "'", apostrophe) + "'"
}

func zshCompletion(model *kong.Application) string {
	var b strings.Builder
	b.WriteString("#compdef whereby_exporter\n" + generated + `
local command= word
local -a subcommands flags
subcommands=(
`)
	for _, command := range model.Children {
		fmt.Fprintf(&b, "    %s\n", quote(command.Name+":"+command.Help, `'\''`))
	}
	fmt.Fprintf(&b, `)
for word in ${words[2,CURRENT-1]}; do
    case $word in
    %s) command=$word; break ;;
    esac
done
case $command in
`, strings.Join(commandNames(model), "|"))
	escape := strings.NewReplacer(`[`, `\[`, `]`, `\]`, `:`, `\:`)
	for i, command := range model.Children {
		pattern := command.Name
		if i == 0 {
			pattern += "|''"
		}
		fmt.Fprintf(&b, "%s) flags=(\n", pattern)
		for _, flag := range flagsOf(model, command.Name) {
			spec := "--" + flag.Name
			value := strings.ToLower(flag.PlaceHolder)
			switch kind(flag) {
			case "none":
				spec += "[" + escape.Replace(flag.Help) + "]"
			case "file":
				spec += "=[" + escape.Replace(flag.Help) + "]:" + value + ":_files"
			case "dir":
				spec += "=[" + escape.Replace(flag.Help) + "]:" + value + ":_files -/"
			case "enum":
				spec += "=[" + escape.Replace(flag.Help) + "]:value:(" + strings.ReplaceAll(flag.Enum, ",", " ") + ")"
			default:
				spec += "=[" + escape.Replace(flag.Help) + "]:" + escape.Replace(value) + ": "
			}
			fmt.Fprintf(&b, "    %s\n", quote(spec, `'\''`))
		}
		b.WriteString(") ;;\n")
	}
	b.WriteString(`esac
if [[ -z $command && ${words[CURRENT]} != -* ]]; then
    _describe command subcommands
else
    _arguments $flags '*: :'
fi
`)
	return b.String()
}

func fishCompletion(model *kong.Application) string {
	var b strings.Builder
	names := strings.Join(commandNames(model), " ")
	b.WriteString(generated + "\ncomplete -c whereby_exporter -f\n")
	none := "not __fish_seen_subcommand_from " + names
	for _, command := range model.Children {
		fmt.Fprintf(&b, "complete -c whereby_exporter -n '%s' -a %s -d %s\n", none, command.Name, quote(command.Help, `\'`))
	}
	for i, command := range model.Children {
		condition := "__fish_seen_subcommand_from " + command.Name
		if i == 0 {
			condition += "; or " + none
		}
		for _, flag := range flagsOf(model, command.Name) {
			fmt.Fprintf(&b, "complete -c whereby_exporter -n '%s' -l %s", condition, flag.Name)
			switch kind(flag) {
			case "file":
				b.WriteString(" -rF")
			case "dir":
				b.WriteString(" -xa '(__fish_complete_directories)'")
			case "enum":
				fmt.Fprintf(&b, " -xa '%s'", strings.ReplaceAll(flag.Enum, ",", " "))
			case "text":
				b.WriteString(" -x")
			}
			fmt.Fprintf(&b, " -d %s\n", quote(flag.Help, `\'`))
		}
	}
	return b.String()
}
