package app

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/server"
)

// Backup is the command backup.
type Backup struct {
	Output string `required:"" placeholder:"FILE" help:"File to write. It is replaced atomically, and left unchanged if the backup fails."`
	Asked  `embed:""`
}

// Asked are the flags on an exporter that is asked for something.
type Asked struct {
	URL        string `name:"url" default:"http://localhost:10036" placeholder:"URL" help:"Address of the exporter (${default})."`
	ConfigFile string `name:"http.config.file" placeholder:"FILE" help:"HTTP client configuration, if the exporter requires TLS or a password: an http_config as in Prometheus, with basic_auth and tls_config."`
}

// Run writes a copy of a running exporter's state. There is no limit of time: the copy may
// be large, and the exporter ends a connection that stalls.
func (b *Backup) Run(env *Env) error {
	address, err := b.address("/api/v1/admin/backup")
	if err != nil {
		return err
	}
	client, err := httpClient("--http.config.file", b.ConfigFile)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(env.Context, http.MethodPost, address.String(), nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	resp, err := client.Do(req)
	if failedIn(err, "dial") {
		return fmt.Errorf("the backup failed: %w; set --url to the address of a running exporter", err)
	}
	if err != nil {
		return fmt.Errorf("the backup failed: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the backup failed: %s answered %s%s", address.Redacted(), resp.Status, firstLine(resp.Body))
	}
	if got := resp.Header.Get("Content-Type"); got != server.BackupType {
		return fmt.Errorf("the backup failed: %s sent none, but %s", address.Redacted(), cmp.Or(got, "an answer without a type"))
	}
	var size int64
	err = durable.Replace(b.Output, func(file *os.File) (err error) {
		size, err = io.Copy(file, resp.Body)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the exporter closed the connection before the end")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("--output=%s: %w", b.Output, err)
	}
	fmt.Fprintf(env.Stdout, "%s: %d bytes. To start an exporter from it: whereby_exporter run --storage.path=DIR --storage.restore-from=%s\n", b.Output, size, b.Output)
	return nil
}

// address is that of an endpoint of the exporter.
func (a Asked) address(endpoint string) (*url.URL, error) {
	u, err := checkAddress(a.URL, "http://localhost:10036", "put it into a file, and set --http.config.file")
	if err != nil {
		return nil, err
	}
	return u.JoinPath(endpoint), nil
}

// firstLine is what an answer says, to be added to its status.
func firstLine(body io.Reader) string {
	const longest = 300
	line, _ := bufio.NewReader(io.LimitReader(body, longest)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return ""
	}
	return ": " + line
}
