// Command objects prints what the chart puts into a cluster, as JSON: a list of objects
// for each release and its file of values.
//
//	go -C test/helm run ./cmd/objects RELEASE=FILE...
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"

	"whereby_exporter/test/helm"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "objects:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, arguments []string) error {
	root, err := helm.Root()
	if err != nil {
		return err
	}
	chart, err := loader.LoadDir(filepath.Join(root, "deploy", "helm", "whereby-exporter"))
	if err != nil {
		return fmt.Errorf("load the chart: %w", err)
	}
	all := make([][]json.RawMessage, 0, len(arguments))
	for _, argument := range arguments {
		release, file, ok := strings.Cut(argument, "=")
		if !ok {
			return fmt.Errorf("%q is not RELEASE=FILE", argument)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		values := map[string]any{}
		if err := yaml.UnmarshalStrict(content, &values); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		documents, _, err := helm.Render(chart, release, values)
		if err != nil {
			return fmt.Errorf("render %s: %w", file, err)
		}
		objects := make([]json.RawMessage, 0, len(documents))
		for _, document := range documents {
			// Strictly, as a key that is there twice would be gone in JSON.
			object, err := yaml.YAMLToJSONStrict([]byte(document.YAML))
			if err != nil {
				return fmt.Errorf("%s of %s: %w", document.Template, file, err)
			}
			objects = append(objects, object)
		}
		all = append(all, objects)
	}
	return json.NewEncoder(w).Encode(all)
}
