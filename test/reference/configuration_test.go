package reference

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/collector/config"
)

// companions are fields that others cannot be without, by the beginning of their paths.
var companions = map[string][]string{
	"customers[].":                     {"customers[].room_prefix"},
	"segments.":                        {"segments.source", "segments.pattern"},
	"prices.":                          {"prices.currency", "prices.participant_minute"},
	"http_client.no_proxy":             {"http_client.proxy_url"},
	"http_client.proxy_connect_header": {"http_client.proxy_url"},
	"http_client.tls_config.cert":      {"http_client.tls_config.key"},
	"http_client.tls_config.key":       {"http_client.tls_config.cert"},
}

// file returns a configuration file with one field, and with those that this one cannot be without.
func file(t *testing.T, path, value string) string {
	t.Helper()
	var root any
	set := func(path, value string) {
		var parsed any
		if err := yaml.Unmarshal([]byte(value), &parsed); err != nil {
			t.Fatalf("%s: %q: %v", path, value, err)
		}
		names := strings.NewReplacer("[]", ".[]", "<header>", "X-Team").Replace(path)
		root = with(root, strings.Split(names, "."), parsed)
	}
	for begin, others := range companions {
		if strings.HasPrefix(path, begin) {
			for _, other := range others {
				set(other, configuration[other].example)
			}
		}
	}
	if path != "" && value != "" {
		set(path, value)
	}
	content, err := yaml.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// with puts a value at a path.
func with(at any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	if path[0] == "[]" {
		items, _ := at.([]any)
		if items == nil {
			items = []any{nil}
		}
		items[0] = with(items[0], path[1:], value)
		return items
	}
	fields, _ := at.(map[string]any)
	if fields == nil {
		fields = map[string]any{}
	}
	fields[path[0]] = with(fields[path[0]], path[1:], value)
	return fields
}

// TestTheConfigurationIsAsDocumented reads files with each field's example, default, and values
// at and beyond the ends of its range.
func TestTheConfigurationIsAsDocumented(t *testing.T) {
	var known []string
	for _, f := range config.Fields(configurationOptions()) {
		known = append(known, f.Path)
	}
	parse := func(content string) (*config.Config, error) {
		return config.Parse("exporter.yml", []byte(content), configurationOptions())
	}
	for path, f := range configuration {
		if !slices.Contains(known, path) {
			t.Errorf("there is no field %s; remove its line from configuration.go", path)
			continue
		}
		if f.limits != "" && !strings.HasPrefix(f.limits, "with ") && len(f.refused) == 0 {
			t.Errorf("%s has limits, and no value that is refused", path)
		}
		for _, value := range append(f.accepted, f.example) {
			if _, err := parse(file(t, path, value)); err != nil {
				t.Errorf("%s: %s is refused: %v", path, value, err)
			}
		}
		for _, value := range f.refused {
			var problem *config.Error
			if _, err := parse(file(t, path, value)); !errors.As(err, &problem) {
				t.Errorf("%s: %s is not refused", path, value)
			}
		}
		if f.isValue() {
			with, err := parse(file(t, path, f.preset))
			without, err2 := parse(file(t, path, ""))
			if err != nil || err2 != nil || !reflect.DeepEqual(with, without) {
				t.Errorf("%s: %s is not the default: %v, %v", path, f.preset, err, err2)
			}
		}
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)```")

// TestExamplesAreConfigurations reads the blocks of all pages that begin with a section of the
// configuration file.
func TestExamplesAreConfigurations(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range yamlBlock.FindAllStringSubmatch(string(content), -1) {
			block := strings.ReplaceAll("\n"+match[2], "\n"+match[1], "\n")[1:]
			section, _, _ := strings.Cut(block, ":")
			if !slices.ContainsFunc(config.Fields(configurationOptions()), func(f config.Field) bool { return f.Path == section }) {
				continue
			}
			read++
			if _, err := config.Parse(filepath.Base(page), []byte(block), configurationOptions()); err != nil {
				t.Errorf("%v in:\n%s", err, block)
			}
		}
	}
	if read < 5 {
		t.Errorf("only %d examples", read)
	}
}
