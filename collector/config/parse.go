package config

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// Parse reads the content of a file. name is the file's, for messages and as the
// base of relative paths. Every error is an *Error.
func Parse(name string, content []byte, o Options) (*Config, error) {
	r := &reader{file: name}
	root := r.document(content)
	var c *Config
	if len(r.problems) == 0 {
		c = r.config(root, o)
	}
	if len(r.problems) > 0 {
		return nil, newError(r.problems)
	}
	return c, nil
}

// document returns the root of the one document in content, or nil if it is
// empty.
func (r *reader) document(content []byte) *yaml.Node {
	if len(content) > maxSize {
		r.problems = append(r.problems, Problem{File: r.file, Message: "is larger than 8 MiB"})
		return nil
	}
	content, err := PlainText(content)
	if err != nil {
		r.problemAt(1, 1, "", "%s", err)
		return nil
	}
	if r.checkText(content); len(r.problems) > 0 {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			r.syntax(content, err)
		}
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.problemAt(second.Line, second.Column, "", "a second document starts here; the file must contain only one, so remove the line with three dashes")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(content, err)
		return nil
	}
	root := document.Content[0]
	r.checkAliases(root)
	return root
}
