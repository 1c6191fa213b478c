// Command reference writes the manual page, the shells' completions, and the tables in
// documents.
//
//	go -C test run ./cmd/reference
package main

import (
	"fmt"
	"os"

	"whereby_exporter/test/programs"
	"whereby_exporter/test/reference"
)

func main() {
	root, err := programs.Root()
	if err == nil {
		err = reference.Write(root)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}
