package sidecar

import (
	"bytes"
	"path/filepath"
)

// marked returns a file with the mark that says whose it is. A rule file gets a comment; a
// dashboard, which is a JSON object with a field at least, gets a field that Grafana does not
// know and leaves alone.
func marked(name string, content []byte) []byte {
	if isJSON(name) {
		content = bytes.TrimPrefix(content, []byte("{"))
	}
	return append(mark(name), content...)
}

// mark is how a marked file begins. It names the file, so that a copy under another name is
// its maker's.
func mark(name string) []byte {
	text := "whereby_exporter keeps this file, " + name + ": it undoes changes, and deletes the file once it is needed no more."
	if isJSON(name) {
		return []byte("{\n  \"__comment\": \"" + text + "\",")
	}
	return []byte("# " + text + "\n")
}

func isMarked(name string, content []byte) bool { return bytes.HasPrefix(content, mark(name)) }

func isJSON(name string) bool { return filepath.Ext(name) == ".json" }
