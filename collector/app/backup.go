package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	promconfig "github.com/prometheus/common/config"

	"whereby_exporter/collector/durable"
)

// Backup is the command backup.
type Backup struct {
	Output string `required:"" placeholder:"FILE" help:"File to write. It is replaced as a whole, and left as it is if no backup could be taken."`
	Asked  `embed:""`
}

// Asked are the flags on an exporter that is asked for something.
type Asked struct {
	URL        string `name:"url" default:"http://localhost:10036" placeholder:"URL" help:"Address of the exporter (${default})."`
	ConfigFile string `name:"http.config.file" placeholder:"FILE" help:"How to connect to it, if its address has TLS or a password: an http_config as in Prometheus, with basic_auth and tls_config."`
}

// Run writes a copy of a running exporter's state. There is no limit of time: the copy may
// be large, and the exporter ends a connection that stalls.
func (b *Backup) Run(env *Env) error {
	address, err := b.address("/api/v1/admin/backup")
	if err != nil {
		return err
	}
	client, err := b.client()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(env.Context, http.MethodPost, address.String(), nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no backup was taken: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("no backup was taken: %s answered %s%s", address.Redacted(), resp.Status, firstLine(resp.Body))
	}
	var size int64
	err = durable.Replace(b.Output, func(file *os.File) (err error) {
		size, err = io.Copy(file, resp.Body)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the exporter broke off before the end")
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
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("--url: must be an address such as http://localhost:10036")
	}
	if u.User != nil {
		// Flags show in process lists.
		return nil, errors.New("--url: must hold no password; put it into a file, and name that in --http.config.file")
	}
	return u.JoinPath(endpoint), nil
}

// client connects as the configuration file says.
func (a Asked) client() (*http.Client, error) {
	config := &promconfig.DefaultHTTPClientConfig
	if a.ConfigFile != "" {
		var err error
		if config, _, err = promconfig.LoadHTTPConfigFile(a.ConfigFile); err != nil {
			return nil, fmt.Errorf("--http.config.file=%s: %w", a.ConfigFile, err)
		}
	}
	client, err := promconfig.NewClientFromConfig(*config, "whereby_exporter")
	if err != nil {
		return nil, fmt.Errorf("--http.config.file=%s: %w", a.ConfigFile, err)
	}
	return client, nil
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
