package app

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"whereby_exporter/collector/server"
	"whereby_exporter/whereby"
)

// secretVariable is the environment variable that holds the webhook's secret.
const secretVariable = "WHEREBY_WEBHOOK_SECRET"

// defaultWebhookAddress is where webhooks are received once there is a secret.
const defaultWebhookAddress = ":10037"

// Webhook are the flags on webhooks.
type Webhook struct {
	ListenAddress *string       `placeholder:"ADDRESS" help:"Address to receive webhooks on, the only one that has to face the internet; :10037 once a secret is given. Empty turns webhooks off."`
	Path          string        `default:"/webhook" placeholder:"PATH" help:"Path of the webhook (${default})."`
	SecretFile    string        `placeholder:"FILE" help:"File that holds the webhook's secrets, one a line, of which any may match. Instead of it, WHEREBY_WEBHOOK_SECRET may hold one."`
	MaxAge        time.Duration `default:"5m" placeholder:"DURATION" help:"Age up to which a signature is accepted (${default})."`
	ConfigFile    string        `name:"config.file" placeholder:"FILE" help:"TLS for the webhook's address, in the exporter-toolkit's format."`
}

func (w Webhook) validate() error {
	if w.MaxAge < time.Second {
		return fmt.Errorf("--webhook.max-age=%v: must be at least 1s", w.MaxAge)
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

// verifier makes the verifier from the secrets; nil where webhooks are off.
func (w Webhook) verifier(getenv func(string) string) (*whereby.Verifier, error) {
	if w.ListenAddress != nil && *w.ListenAddress == "" {
		return nil, nil
	}
	var secrets []string
	if secret := strings.TrimSpace(getenv(secretVariable)); secret != "" {
		secrets = append(secrets, secret)
	}
	if w.SecretFile != "" {
		content, err := os.ReadFile(w.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("--webhook.secret-file: %w", err)
		}
		found := strings.Fields(string(content))
		if len(found) == 0 {
			return nil, fmt.Errorf("--webhook.secret-file: %s holds no secret", w.SecretFile)
		}
		secrets = append(secrets, found...)
	}
	if len(secrets) == 0 {
		if w.ListenAddress != nil {
			return nil, errors.New("--webhook.listen-address needs a secret, or anyone could send events: set " + secretVariable + " or --webhook.secret-file")
		}
		return nil, nil
	}
	verifier, err := whereby.NewVerifier(w.MaxAge, secrets...)
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	return verifier, nil
}
