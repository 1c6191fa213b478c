package config

import "go.yaml.in/yaml/v3"

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
					r.problemAt(n.Line, n.Column, "", "an alias is inside the value that it refers to")
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
		r.problemAt(first.Line, first.Column, "", "aliases add more than %d values to the file; use fewer of them", maxExpansion)
	}
}
