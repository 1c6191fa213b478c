package config

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine      = regexp.MustCompile(`^yaml: line ([0-9]+): `)
	unknownAnchor = regexp.MustCompile(`(?s)^yaml: unknown anchor '(.*)' referenced$`)
)

// advice is the remedy for the parser's common messages. The messages themselves are never
// repeated, because some quote the file.
var advice = []struct{ message, advice string }{
	{"tab character", "this line is indented with a tab; use spaces"},
	{"cannot start any token", "a value can't begin with this character; put it in quotes"},
	{"mapping values are not allowed", `": " is not allowed here; is the line indented right, and its value in quotes where it holds ": "?`},
	{"did not find expected key", "a key is expected; is the line indented like its neighbors?"},
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
		line, column := 1, 1
		alias := regexp.MustCompile(`(?m:^|[ \t[{,:-])\*` + regexp.QuoteMeta(m[1]))
		if at := alias.FindIndex(content); at != nil {
			line, column = position(content, at[1]-len(m[1])-1)
		}
		r.problemAt(line, column, "", "an alias to an anchor that does not exist; put text that starts with * in quotes")
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
		r.problemAt(line, column, "", "is not valid YAML: this line is indented with a tab; use spaces")
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

// blockError matches messages with the line at which a list or mapping begins, instead of
// the line that breaks it.
var blockError = regexp.MustCompile(`did not find expected (key|'-' indicator)$`)

// maxHalved bounds the files, in bytes, that are read again to find the line.
const maxHalved = 1 << 20

// brokenLine bisects the lines and returns the first with which they are no longer valid.
// Values over several lines may mislead it, because a cut ends in their middle; then it
// returns a line before the right one.
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
