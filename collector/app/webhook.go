package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"whereby_exporter/collector/server"
	"whereby_exporter/whereby"
)

// secretVariable is the environment variable that holds the webhook's secret.
const secretVariable = "WHEREBY_WEBHOOK_SECRET"

// defaultWebhookAddress is where webhooks are received once there is a secret.
const defaultWebhookAddress = ":10037"

// longestMaxAge bounds the age of signatures far below the 24 h for which IDs of events are
// known: what is accepted later than that would count twice.
const longestMaxAge = time.Hour

// Webhook are the flags on webhooks.
type Webhook struct {
	ListenAddress *string       `placeholder:"ADDRESS" help:"Address to receive webhooks on, the only one that must be reachable from the internet. Defaults to :10037 if a secret is set; empty turns webhooks off."`
	Path          string        `default:"/webhook" placeholder:"PATH" help:"Path of the webhook (${default})."`
	SecretFile    string        `placeholder:"FILE" help:"File that holds the webhook's secrets, one per line; any may match. It is read every 5 s, so a secret can be rotated. Alternatively, set WHEREBY_WEBHOOK_SECRET to one secret."`
	MaxAge        time.Duration `default:"5m" placeholder:"DURATION" help:"Maximum age of a signature, at most 1h (${default})."`
	ConfigFile    string        `name:"config.file" placeholder:"FILE" help:"TLS for the webhook's address, in the exporter-toolkit's format."`
}

func (w Webhook) validate() error {
	if w.MaxAge < time.Second || w.MaxAge > longestMaxAge {
		return fmt.Errorf("--webhook.max-age=%v: must be from 1s to 1h; an older event may be a replay", w.MaxAge)
	}
	return w.options().Check()
}

// options are those of the webhook's address.
func (w Webhook) options() server.WebhookOptions {
	address := defaultWebhookAddress
	if w.ListenAddress != nil {
		address = *w.ListenAddress
	}
	return server.WebhookOptions{ListenAddress: []string{address}, Path: w.Path, ConfigFile: w.ConfigFile}
}

// verifier makes the verifier from the secrets, and what keeps it up with their file. The
// verifier is nil where webhooks are off; the watch also if there is no file.
func (w Webhook) verifier(env *Env) (*whereby.Verifier, *secretsWatch, error) {
	if w.ListenAddress != nil && *w.ListenAddress == "" {
		return nil, nil, nil
	}
	read := func() ([]string, error) { return w.secrets(env.Getenv) }
	secrets, err := read()
	if err != nil {
		return nil, nil, err
	}
	if len(secrets) == 0 {
		if w.ListenAddress != nil {
			return nil, nil, errors.New("--webhook.listen-address needs a secret, or anyone could send events: set " + secretVariable + " or --webhook.secret-file")
		}
		return nil, nil, nil
	}
	verifier, err := whereby.NewVerifier(w.MaxAge, secrets...)
	if err != nil {
		return nil, nil, fmt.Errorf("webhook secret: %w", err)
	}
	if w.SecretFile == "" {
		return verifier, nil, nil
	}
	return verifier, &secretsWatch{read: read, verifier: verifier, log: env.Log, inForce: secrets}, nil
}

// secrets reads those of the file, or that of the variable if there is no file. It never
// takes both: a secret that was rotated out of the file would live on in the variable.
func (w Webhook) secrets(getenv func(string) string) ([]string, error) {
	if w.SecretFile == "" {
		secret := strings.TrimSpace(getenv(secretVariable))
		if secret == "" {
			return nil, nil
		}
		if strings.ContainsFunc(secret, notOfSecrets) {
			return nil, errors.New(secretVariable + ": the secret contains a space, a line break or another character that no secret has")
		}
		return []string{secret}, nil
	}
	content, err := readSecret(w.SecretFile, "a list of webhook secrets")
	if err != nil {
		return nil, fmt.Errorf("--webhook.secret-file: %w", err)
	}
	var secrets []string
	for line := range strings.Lines(content) {
		secret := strings.TrimSpace(line)
		if strings.ContainsFunc(secret, notOfSecrets) {
			// Taken as two, what was meant as a comment would open the door.
			return nil, fmt.Errorf("--webhook.secret-file: file %q: a line contains a space or another character that no secret has; write one secret per line", w.SecretFile)
		}
		if secret != "" {
			secrets = append(secrets, secret)
		}
	}
	return secrets, nil
}
