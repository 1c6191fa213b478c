// Command manifests copies the rules and dashboards into the Helm chart, and renders
// the chart's defaults to deploy/kubernetes.
//
//	go -C test/helm run ./cmd/manifests
package main

import (
	"fmt"
	"os"

	"whereby_exporter/test/helm"
)

func main() {
	root, err := helm.Root()
	if err == nil {
		err = helm.Update(root)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}
