// Pipes are not made on Windows like this.

//go:build unix

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/whereby"
)

// plantedSecret begins every secret of these tests, and is looked for in what is printed.
const plantedSecret = "planted-secret-"

// accepts reports whether a verifier takes what is signed with a secret.
func accepts(v *whereby.Verifier, secret string) bool {
	body := []byte("{}")
	return v.Verify(whereby.Sign(secret, body, time.Now()), body, time.Now()) == nil
}

func TestTheWebhooksSecretsAreCheckedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	file := filesIn(t, dir)
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	on, off := "127.0.0.1:0", ""
	const a, b = plantedSecret + "a", plantedSecret + "b"
	for _, c := range []struct {
		name, variable, file string
		address              *string
		accepted             []string // none is no webhooks
		want                 string   // in the error; "" is no error
	}{
		{"no secret", "", "", nil, nil, ""},
		{"no secret for an address", "", "", &on, nil, "--webhook.listen-address needs a secret"},
		{"the variable", a + "\n", "", nil, []string{a}, ""},
		{"a file of one", "", file("one", a), nil, []string{a}, ""},
		{"a file of two, with blank lines, as Windows writes it", "", file("two", "\r\n"+a+"\r\n\r\n "+b+" \r\n"), &on, []string{a, b}, ""},
		{"a file with a byte-order mark", "", file("mark", "\ufeff"+a+"\n"+b), nil, []string{a, b}, ""},
		{"a file in UTF-16", "", file("utf16", "\xff\xfe"+utf16(a)), nil, nil, `utf16" is UTF-16`},
		{"the file wins over the variable", a, file("other", b), nil, []string{b}, ""},
		{"webhooks turned off", "", missing, &off, nil, ""},
		{"a variable with two words", a + " " + b, "", nil, nil, "WHEREBY_WEBHOOK_SECRET: the secret contains a space"},
		{"a file that is not there", a, missing, nil, nil, fmt.Sprintf("--webhook.secret-file: file %q does not exist", missing)},
		{"a directory", "", dir, nil, nil, fmt.Sprintf("--webhook.secret-file: %q is not a regular file", dir)},
		{"a pipe", "", pipe, nil, nil, fmt.Sprintf("--webhook.secret-file: %q is not a regular file", pipe)},
		{"a device", "", "/dev/zero", nil, nil, `--webhook.secret-file: "/dev/zero" is not a regular file`},
		{"an empty file", a, file("empty", ""), nil, nil, "empty\" is empty"},
		{"a file of blanks", "", file("blanks", " \n\t\n"), nil, nil, "is empty"},
		{"a file that is too large", "", file("large", strings.Repeat(a+"\n", 2000)), nil, nil, "is too large to be a list of webhook secrets"},
		{"two on a line", "", file("line", a+" "+b), nil, nil, "a line contains a space or another character that no secret has; write one secret per line"},
		{"a comment", "", file("comment", a+"\n# "+b+"\n"), nil, nil, "a line contains a space"},
		{"no text", "", file("binary", a+"\n\x00\x01\xff"), nil, nil, "another character that no secret has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnvironment(t, apiKey)
			getenv := e.Getenv
			e.Getenv = func(name string) string {
				if name == secretVariable {
					return c.variable
				}
				return getenv(name)
			}
			f := flags(whereby.DefaultBaseURL)
			f.Webhook.SecretFile, f.Webhook.ListenAddress = c.file, c.address
			verifier, watch, err := f.Webhook.verifier(&e.Env)
			assertError(t, err, c.want)
			if (verifier != nil) != (c.accepted != nil) || (watch != nil) != (verifier != nil && c.file != "") {
				t.Errorf("there is a verifier: %v, and a watch: %v", verifier != nil, watch != nil)
			}
			for _, secret := range []string{a, b} {
				if verifier != nil && accepts(verifier, secret) != slices.Contains(c.accepted, secret) {
					t.Errorf("%s is accepted: %t", secret, accepts(verifier, secret))
				}
			}
			// The commands say the same before they do anything.
			commands := map[string]interface{ Run(*Env) error }{"check": &Check{Flags: f}}
			if c.want != "" {
				commands["run"] = &Run{Flags: f}
			}
			for name, command := range commands {
				got := command.Run(&e.Env)
				if assertError(t, got, c.want); got != nil && got.Error() != err.Error() {
					t.Errorf("%s says %q, want %q", name, got, err)
				}
			}
			if printed := fmt.Sprint(err) + e.out.String() + e.log.String(); strings.Contains(printed, plantedSecret) {
				t.Errorf("a secret was printed: %s", printed)
			}
		})
	}
}

// TestAVariableThatAFileOverridesIsNamed wants a line for each, without what is in it.
func TestAVariableThatAFileOverridesIsNamed(t *testing.T) {
	for _, c := range []struct {
		variable string
		flags    Flags
		want     string
	}{
		{keyVariable, Flags{Whereby: Whereby{APIKeyFile: "key"}}, "variable=WHEREBY_API_KEY flag=--whereby.api-key-file"},
		{secretVariable, Flags{Webhook: Webhook{SecretFile: "secrets"}}, "variable=WHEREBY_WEBHOOK_SECRET flag=--webhook.secret-file"},
		{keyVariable, Flags{Webhook: Webhook{SecretFile: "secrets"}}, ""},
		{secretVariable, Flags{Whereby: Whereby{APIKeyFile: "key"}}, ""},
		{"", Flags{Whereby: Whereby{APIKeyFile: "key"}, Webhook: Webhook{SecretFile: "secrets"}}, ""},
	} {
		var log logtest.Buffer
		getenv := func(name string) string {
			if name == c.variable {
				return plantedSecret
			}
			return ""
		}
		c.flags.warnIgnored(getenv, slog.New(slog.NewTextHandler(&log, nil)))
		if got := log.String(); !strings.Contains(got, c.want) || c.want == "" && got != "" || strings.Contains(got, plantedSecret) {
			t.Errorf("with %q set, the log is %q; want %q", c.variable, got, c.want)
		}
	}
}

// rotation is a file of secrets that is looked at, in fake time.
type rotation struct {
	*testing.T
	file     string
	verifier *whereby.Verifier
	log      logtest.Buffer
}

// rotate runs a test on a file, from its beginning with the secret "old" in force.
func rotate(t *testing.T, file string, test func(*rotation)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rotation{T: t, file: file}
		env := &Env{Log: slog.New(slog.NewTextHandler(&r.log, nil)), Getenv: func(string) string { return "" }}
		verifier, watch, err := Webhook{SecretFile: file, MaxAge: time.Minute}.verifier(env)
		if err != nil {
			t.Fatal(err)
		}
		r.verifier = verifier
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- watch.run(ctx) }()
		r.pass(time.Second) // between two looks
		r.expect("at first", "old")
		test(r)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.expectLog("at the end")
	})
}

// pass lets time pass, and what happens in it come to its end.
func (r *rotation) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// expect compares which of the secrets are in force.
func (r *rotation) expect(when, want string) {
	r.Helper()
	var got []string
	for _, secret := range []string{"old", "new", "newer"} {
		if accepts(r.verifier, plantedSecret+secret) {
			got = append(got, secret)
		}
	}
	if strings.Join(got, " ") != want {
		r.Errorf("%s, what is signed with %v is accepted; want %s", when, got, want)
	}
}

// expectLog compares what has been logged since it was called before.
func (r *rotation) expectLog(when string, want ...string) {
	r.Helper()
	got := r.log.Take()
	ok := slices.EqualFunc(got, want, strings.Contains)
	for _, line := range got {
		ok = ok && !strings.Contains(line, plantedSecret)
	}
	if !ok {
		r.Errorf("%s, the log is %q; want lines with %q, and no secret", when, got, want)
	}
}

// secretLines returns the content of a file.
func secretLines(names ...string) string {
	return plantedSecret + strings.Join(names, "\n"+plantedSecret) + "\n"
}

// write writes into the file; move replaces it.
func (r *rotation) write(content string) { write(r.T, r.file, content) }

func (r *rotation) move(content string) {
	r.Helper()
	write(r.T, r.file+".new", content)
	if err := os.Rename(r.file+".new", r.file); err != nil {
		r.Fatal(err)
	}
}

func TestSecretsAreRotatedWithoutARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets")
	write(t, file, secretLines("old"))
	rotate(t, file, func(r *rotation) {
		r.pass(time.Hour)
		r.expectLog("while nothing changes")
		r.move(secretLines("old", "new"))
		r.pass(secretsInterval)
		r.expect("after a line was added", "old new")
		r.expectLog("after a line was added", "secrets=2")
		r.write(secretLines("new"))
		r.pass(secretsInterval)
		r.expect("after the old one was taken out", "new")
		r.expectLog("after the old one was taken out", "secrets=1")
		// Of the same size, and no younger, as copies with their times are.
		info, err := os.Stat(file)
		if err != nil {
			r.Fatal(err)
		}
		r.move(secretLines("old"))
		if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
			r.Fatal(err)
		}
		r.pass(secretsInterval)
		r.expect("after it was put back", "old")
		r.expectLog("after it was put back", "secrets=1")
		r.pass(time.Hour)
		r.expectLog("later")
	})
}

// TestASecretOfKubernetesIsRotated does what the kubelet does: the file is a link through
// a link to a directory, and that one is replaced.
func TestASecretOfKubernetesIsRotated(t *testing.T) {
	dir := t.TempDir()
	put := func(version, content string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version, "webhook-secret"), content)
		if err := errors.Join(os.Symlink(version, filepath.Join(dir, "..data_tmp")),
			os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	put("..1", secretLines("old"))
	file := filepath.Join(dir, "webhook-secret")
	if err := os.Symlink("..data/webhook-secret", file); err != nil {
		t.Fatal(err)
	}
	rotate(t, file, func(r *rotation) {
		put("..2", secretLines("new"))
		if err := os.RemoveAll(filepath.Join(dir, "..1")); err != nil {
			r.Fatal(err)
		}
		r.pass(secretsInterval)
		r.expect("after a new version", "new")
		r.expectLog("after a new version", "secrets=1")
	})
}

// TestAFileThatCannotBeReadChangesNoSecret has one mistake after the other. Each is
// logged once, whatever time it lasts.
func TestAFileThatCannotBeReadChangesNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets")
	write(t, file, secretLines("old"))
	rotate(t, file, func(r *rotation) {
		for _, mistake := range []struct {
			name string
			make func()
			want string // in the line
		}{
			{"emptied", func() { r.write("") }, "is empty"},
			{"removed", func() {
				if err := os.Remove(file); err != nil {
					r.Fatal(err)
				}
			}, "does not exist"},
			{"malformed", func() { r.write(secretLines("new") + "# " + plantedSecret + "old") }, "a line contains a space"},
			{"too large", func() { r.write(strings.Repeat(secretLines("new"), 2000)) }, "too large"},
			{"replaced by a pipe", func() {
				if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
					r.Fatal(err)
				}
			}, "is not a regular file"},
		} {
			mistake.make()
			r.pass(time.Minute)
			r.expect(mistake.name, "old")
			r.expectLog(mistake.name, mistake.want)
		}
		r.move(secretLines("old"))
		r.pass(time.Minute)
		r.expectLog("once it can be read, and is as before", "secrets=1")
		r.write("")
		r.pass(time.Minute)
		r.expectLog("with the same mistake again", "is empty")
		r.move(secretLines("new", "newer"))
		r.pass(time.Minute)
		r.expect("once it can be read", "new newer")
		r.expectLog("once it can be read", "secrets=2")
	})
}
