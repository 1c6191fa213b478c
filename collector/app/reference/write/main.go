// Command write writes the manual page, the shells' completions, and the tables in
// documents. It is run at the root of the repository:
//
//	go run ./collector/app/reference/write
package main

import (
	"fmt"
	"os"

	"whereby_exporter/collector/app/reference"
)

func main() {
	if err := reference.Write("."); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}
