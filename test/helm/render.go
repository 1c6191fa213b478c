package helm

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// Release is what the rendered chart is called where nobody says otherwise.
const Release = "whereby-exporter"

// Document is one object as the chart renders it.
type Document struct {
	// Template is the template's file name.
	Template string
	// YAML is the object, with the comments that the template has above it.
	YAML string
}

// Render renders the chart with values, checked against its schema, and returns its
// objects in the order of the templates' names. Notes are what Helm shows afterwards.
func Render(c *chart.Chart, release string, values map[string]any) (documents []Document, notes string, err error) {
	options := chartutil.ReleaseOptions{Name: release, Namespace: "whereby", IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, "", err
	}
	files, err := (engine.Engine{Strict: true}).Render(c, all)
	if err != nil {
		return nil, "", err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		base := path.Base(name)
		switch path.Ext(base) {
		case ".tpl":
		case ".txt":
			notes = files[name]
		case ".yaml":
			for _, document := range strings.Split("\n"+files[name], "\n---\n") {
				if strings.TrimSpace(document) != "" {
					documents = append(documents, Document{base, strings.Trim(document, "\n") + "\n"})
				}
			}
		default:
			return nil, "", fmt.Errorf("template %s is of no known kind", base)
		}
	}
	return documents, notes, nil
}
