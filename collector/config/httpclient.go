package config

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// httpClient is the section http_client. It is walked first, since the messages of
// its own unmarshaller have no columns, stop at the first problem and quote values;
// only what passed is handed to it.
type httpClient struct {
	to *HTTPClient
}

func (h httpClient) read(r *reader, n node) {
	before := len(r.problems)
	h.fields().read(r, n)
	if len(r.problems) > before || n.isNull() {
		return
	}
	if err := n.Decode(&h.to.HTTPClientConfig); err != nil {
		r.problem(n, "%s", plainDecodeError(err))
	}
	h.to.FollowRedirects = false // Prometheus's default is true
}

// defaultHTTPClient returns Prometheus's default, except for redirects.
func defaultHTTPClient() HTTPClient {
	c := promconfig.DefaultHTTPClientConfig
	c.FollowRedirects = false
	return HTTPClient{c}
}

// plainDecodeError keeps only the messages of Validate, which contain no values.
func plainDecodeError(err error) string {
	var typeError *yaml.TypeError
	if errors.As(err, &typeError) || strings.HasPrefix(err.Error(), "yaml:") {
		return "is not a valid configuration of an HTTP client"
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

func (httpClient) fields() mapping {
	const own = "is not allowed: the exporter sets the Authorization header itself, from the API key; remove it"
	const ref = "is not allowed: there is no secret manager here; name a file instead"
	var flag bool
	anyText := text(func(string) string { return "" })
	version := oneOf(func(string) {}, "TLS10", "TLS11", "TLS12", "TLS13")
	return mapping{
		{name: "proxy_url", help: "Proxy for all requests.", value: text(checkProxyURL)},
		{name: "no_proxy", help: "Hosts to reach without the proxy, separated by commas.", value: anyText},
		{name: "proxy_from_environment", help: "Take the proxy from HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which are otherwise ignored.", value: boolean(&flag)},
		{name: "proxy_connect_header", help: "Headers for the proxy.", value: entries{"header", noCheck, func(string) value {
			return list{func() value { return anyText }}
		}}},
		{name: "tls_config", help: "TLS settings for the API.", value: mapping{
			{name: "ca", help: "Certificate of the CA to trust, as PEM.", value: anyText},
			{name: "ca_file", help: "The same in a file.", value: anyText},
			{name: "ca_ref", help: "Not allowed.", value: forbidden(ref)},
			{name: "cert", help: "Client certificate, as PEM.", value: anyText},
			{name: "cert_file", help: "The same in a file.", value: anyText},
			{name: "cert_ref", help: "Not allowed.", value: forbidden(ref)},
			{name: "key", help: "Client key, as PEM.", value: anyText},
			{name: "key_file", help: "The same in a file.", value: anyText},
			{name: "key_ref", help: "Not allowed.", value: forbidden(ref)},
			{name: "server_name", help: "Name that the server's certificate must match.", value: anyText},
			{name: "insecure_skip_verify", help: "Trust any certificate; only for tests.", value: boolean(&flag)},
			{name: "min_version", help: "Minimum TLS version: TLS10, TLS11, TLS12 or TLS13.", value: version},
			{name: "max_version", help: "Maximum TLS version.", value: version},
		}},
		{name: "follow_redirects", help: "Only false is allowed.", value: noRedirects()},
		{name: "enable_http2", help: "Use HTTP/2; true by default.", value: boolean(&flag)},
		{name: "http_headers", help: "Headers to add to requests.", value: entries{"header", checkHeader, func(string) value {
			texts := list{func() value { return anyText }}
			return mapping{
				{name: "values", help: "Values of the header.", value: texts},
				{name: "secrets", help: "Values of the header that are not shown.", value: texts},
				{name: "files", help: "Files that hold values of the header.", value: texts},
			}
		}}},
		{name: "basic_auth", help: "Not allowed.", value: forbidden(own)},
		{name: "authorization", help: "Not allowed.", value: forbidden(own)},
		{name: "oauth2", help: "Not allowed.", value: forbidden(own)},
		{name: "bearer_token", help: "Not allowed.", value: forbidden(own)},
		{name: "bearer_token_file", help: "Not allowed.", value: forbidden(own)},
	}
}

// noRedirects returns a field that may be false, as it is by default.
func noRedirects() scalar {
	var follow bool
	read := boolean(&follow)
	return func(r *reader, n node) {
		if read(r, n); follow {
			r.problem(n, "must be false: the API does not redirect, and a redirect would leak the API key; remove it")
		}
	}
}

// forbidden returns a field that must not be there.
func forbidden(why string) scalar {
	return func(r *reader, n node) { r.problem(n, "%s", why) }
}

func noCheck(string) string { return "" }

func checkHeader(name string) string {
	if _, reserved := promconfig.ReservedHeaders[http.CanonicalHeaderKey(name)]; reserved {
		return "this header is set by the exporter or by HTTP itself; remove it"
	}
	return ""
}

// checkProxyURL never repeats the address, which may hold a password.
func checkProxyURL(s string) string {
	u, err := url.Parse(s)
	if err == nil && u.Hostname() != "" {
		switch u.Scheme {
		case "http", "https", "socks5", "socks5h":
			return ""
		}
	}
	return "must be the address of a proxy, such as http://proxy.example.com:3128"
}
