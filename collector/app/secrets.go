package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/whereby"
)

// maxSecretFile is far above the size of any file of secrets: anybody who names another file
// by mistake gets an error, and that file is not sent anywhere.
const maxSecretFile = 16 << 10

// readSecret reads a file that holds what the kind says, blanks around it left out. No
// error repeats what is in it.
func readSecret(file, kind string) (string, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("file %q does not exist", file)
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		// A pipe could be read only once, and might block.
		return "", fmt.Errorf("%q is not a regular file", file)
	case info.Size() > maxSecretFile:
		return "", fmt.Errorf("file %q is too large to be %s", file, kind)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	text, err := config.PlainText(content)
	if err != nil {
		return "", fmt.Errorf("file %q %w", file, err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("file %q is empty; it must hold %s", file, kind)
	}
	return secret, nil
}

// notOfSecrets tells which characters no secret has.
func notOfSecrets(r rune) bool { return r <= ' ' || r >= 0x7f }

// warnIgnored says which variables are set and ignored, because a flag names a file with the
// same secret. Who changes the variable would wait for something to happen.
func (f *Flags) warnIgnored(getenv func(string) string, log *slog.Logger) {
	for _, secret := range []struct{ variable, flag, file string }{
		{keyVariable, "--whereby.api-key-file", f.Whereby.APIKeyFile},
		{secretVariable, "--webhook.secret-file", f.Webhook.SecretFile},
	} {
		if secret.file != "" && getenv(secret.variable) != "" {
			log.Warn("variable ignored: a file is given", "variable", secret.variable, "flag", secret.flag)
		}
	}
}

// secretsInterval is how long a change of the webhook's secrets may go unseen.
const secretsInterval = 5 * time.Second

// secretsWatch puts the webhook's secrets in force again whenever they have changed.
type secretsWatch struct {
	read     func() ([]string, error)
	verifier *whereby.Verifier
	log      *slog.Logger

	inForce []string
	failure string // the last one, which is logged once; "" after a success
}

// run looks from time to time until the context is done. It reads the file and asks
// nobody whether it has changed: it is small, and that holds for files that are
// written to, replaced, or behind links that are.
func (w *secretsWatch) run(ctx context.Context) error {
	ticker := time.NewTicker(secretsInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			w.look()
		}
	}
}

func (w *secretsWatch) look() {
	secrets, err := w.read()
	if err == nil {
		if w.failure == "" && slices.Equal(secrets, w.inForce) {
			return
		}
		err = w.verifier.Rotate(secrets...)
	}
	if err != nil {
		if err.Error() != w.failure {
			w.log.Error("reloading the webhook secrets failed; the previous ones stay in force", "err", err)
		}
		w.failure = err.Error()
		return
	}
	w.inForce, w.failure = secrets, ""
	w.log.Info("webhook secrets reloaded", "secrets", len(secrets))
}
