package server

import (
	"net/http"
	"strings"
)

// routeWebhook serves the webhook at its path, and the health endpoint. One slash more or
// less is the same path: people who type an address, or join it from two parts in a proxy,
// get that wrong, and the mux of net/http would send a redirect that Whereby does not follow.
func routeWebhook(path string, webhook, elsewhere http.Handler) http.Handler {
	if elsewhere == nil {
		elsewhere = http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch singleSlashes(r.URL.Path) {
		case path:
			webhook.ServeHTTP(w, r)
		case healthyPath:
			healthy(w, r)
		default:
			elsewhere.ServeHTTP(w, r)
		}
	})
}

// singleSlashes returns a path with one slash before each of its parts.
func singleSlashes(path string) string {
	parts := strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
	return "/" + strings.Join(parts, "/")
}
