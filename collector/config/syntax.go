package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

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

// document returns the root of the one document in content, or nil where it is
// empty.
func (r *reader) document(content []byte) *yaml.Node {
	if len(content) > maxSize {
		r.problems = append(r.problems, Problem{File: r.file, Message: "is larger than 8 MiB"})
		return nil
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
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
		r.problemAt(second.Line, second.Column, "", "a second document begins here; the file must hold one, so remove the line of three dashes")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(content, err)
		return nil
	}
	root := document.Content[0]
	r.checkAliases(root)
	return root
}

// checkText finds what no YAML may hold, with its column, which the YAML parser
// does not tell.
func (r *reader) checkText(content []byte) {
	line, column := 1, 0
	for len(content) > 0 {
		c, size := utf8.DecodeRune(content)
		content = content[size:]
		column++
		switch {
		case c == utf8.RuneError && size == 1:
			r.problemAt(line, column, "", "is not UTF-8; save the file as UTF-8")
			return
		case c == '\n':
			line, column = line+1, 0
		case c < ' ' && c != '\t' && c != '\r', 0x7f <= c && c <= 0x9f && c != 0x85, c == 0xfeff, c == 0xfffe, c == 0xffff:
			r.problemAt(line, column, "", "a control character is not allowed; remove it")
			return
		}
	}
}

var (
	yamlLine      = regexp.MustCompile(`^yaml: line ([0-9]+): `)
	unknownAnchor = regexp.MustCompile(`(?s)^yaml: unknown anchor '(.*)' referenced$`)
)

// advice is what to do about the parser's messages that people meet. Its messages
// are never repeated, because some quote the file.
var advice = []struct{ message, advice string }{
	{"tab character", "a tab indents here; indent with spaces"},
	{"cannot start any token", "a value can't begin with this character; put it in quotes"},
	{"mapping values are not allowed", `": " is not allowed here; is the line indented right, and its value in quotes where it holds ": "?`},
	{"did not find expected key", "a key is expected; is the line indented like its neighbours?"},
	{"did not find expected '-'", `"- " is expected; is the line indented like the list's other entries?`},
	{"could not find expected ':'", `": " is expected after a key, with a space`},
	{"expected ',' or ']'", "a list that begins with [ must end with ], its entries separated by commas"},
	{"expected ',' or '}'", "a mapping that begins with { must end with }, its fields separated by commas"},
	{"expected node content", "a value is expected; is a bracket opened and not closed?"},
	{"end of stream", "a quote is opened and not closed"},
	{"unknown escape", `text in double quotes holds an unknown escape; double the backslash, or use single quotes`},
	{"max depth", "is nested too deeply"},
}

// syntax reports an error of the YAML parser.
func (r *reader) syntax(content []byte, err error) {
	if m := unknownAnchor.FindStringSubmatch(err.Error()); m != nil {
		line, column := find(content, "*"+m[1])
		r.problemAt(line, column, "", "an alias of an anchor that is not there; put text that begins with * in quotes")
		return
	}
	line := 1
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	line = min(line, len(lines))
	if len(content) <= maxHalved && blockError.MatchString(err.Error()) {
		line = max(line, brokenLine(lines))
	}
	if column := tabIndent(lines[line-1]); column > 0 {
		r.problemAt(line, column, "", "is not valid YAML: a tab indents here; indent with spaces")
		return
	}
	what := "look at this line and the ones around it"
	for _, a := range advice {
		if strings.Contains(err.Error(), a.message) {
			what = a.advice
			break
		}
	}
	r.problemAt(line, 1, "", "is not valid YAML: %s", what)
}

// blockError are messages with the line at which a list or mapping begins, instead
// of the one that breaks it.
var blockError = regexp.MustCompile(`did not find expected (key|'-' indicator)$`)

// maxHalved bounds the files, in bytes, that are read again to find the line.
const maxHalved = 1 << 20

// brokenLine returns the line before which lines are valid, and with which they are
// not, by halving. It may be misled by values over several lines, which end in the
// middle for it; then it gives a line before the right one.
func brokenLine(lines []string) int {
	valid, broken := 0, len(lines)
	for broken-valid > 1 {
		middle := (valid + broken) / 2
		var n yaml.Node
		err := yaml.Unmarshal([]byte(strings.Join(lines[:middle], "\n")), &n)
		if err == nil {
			valid = middle
		} else {
			broken = middle
		}
	}
	return broken
}

// tabIndent returns the column of a tab in the indentation of a line, or 0.
func tabIndent(line string) int {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	return strings.IndexByte(indent, '\t') + 1
}

// find returns where s first begins a word.
func find(content []byte, s string) (line, column int) {
	for i, text := range strings.Split(string(content), "\n") {
		for from := 0; ; {
			at := strings.Index(text[from:], s)
			if at < 0 {
				break
			}
			at += from
			if at == 0 || strings.ContainsRune(" \t[{,:-", rune(text[at-1])) {
				return i + 1, utf8.RuneCountInString(text[:at]) + 1
			}
			from = at + 1
		}
	}
	return 1, 1
}

// maxExpansion is how many values aliases may add to those that are written out.
const maxExpansion = 1_000_000

// checkAliases reports aliases that contain themselves, or that make a small file
// a huge one. Without them, the rest of the package can follow aliases blindly.
func (r *reader) checkAliases(root *yaml.Node) {
	written := 0
	var first *yaml.Node
	sizes := map[*yaml.Node]int{} // of anchors, expanded; 0 while being counted
	var size func(*yaml.Node) int
	size = func(n *yaml.Node) int {
		if n.Kind == yaml.AliasNode {
			if first == nil {
				first = n
			}
			if s, ok := sizes[n.Alias]; ok {
				if s == 0 {
					r.problemAt(n.Line, n.Column, "", "an alias is inside of what it stands for")
				}
				return s
			}
			n = n.Alias
		}
		if n.Anchor != "" {
			sizes[n] = 0
		}
		written++
		total := 1
		for _, c := range n.Content {
			total = min(total+size(c), 1<<40)
		}
		if n.Anchor != "" {
			sizes[n] = total
		}
		return total
	}
	if total := size(root); first != nil && total-written > maxExpansion && len(r.problems) == 0 {
		r.problemAt(first.Line, first.Column, "", "aliases add more than %d values to the file; write fewer of them", maxExpansion)
	}
}
