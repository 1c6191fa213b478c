package reference

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"whereby_exporter/alerts"
	"whereby_exporter/collector/metrics"
)

// table is a table in a document.
type table struct {
	file   string
	header string
	rows   []string
}

// replace puts the rows in place of those in a document.
func (t table) replace(document string) (string, error) {
	header := t.header + "\n|" + strings.Repeat(" --- |", strings.Count(t.header, " | ")+1) + "\n"
	before, rest, ok := strings.Cut(document, header)
	if !ok {
		return "", fmt.Errorf("%s: no table that begins with %q", t.file, t.header)
	}
	if len(t.rows) == 0 {
		return "", fmt.Errorf("%s: no rows for the table that begins with %q", t.file, t.header)
	}
	for strings.HasPrefix(rest, "|") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	return before + header + strings.Join(t.rows, "") + rest, nil
}

func metricRows() []string {
	var rows []string
	for _, m := range metrics.All() {
		labels := ""
		for i, label := range m.Labels {
			if i > 0 {
				labels += ", "
			}
			labels += "`" + label + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n", m.Name, m.Type, labels, m.Help))
	}
	return rows
}

func flagRows(model *kong.Application, command string) []string {
	var rows []string
	for _, flag := range flagsOf(model, command) {
		if flag.Name != "help" && flag.Name != "version" {
			rows = append(rows, flagRow(flag))
		}
	}
	return rows
}

// ownFlagRows returns the flags of a command that the default command has not, or not with the same
// meaning.
func ownFlagRows(model *kong.Application, name string) []string {
	var rows []string
	for _, command := range model.Children {
		if command.Name != name {
			continue
		}
		for _, flag := range command.Flags {
			if !hasFlag(model.Children[0], flag) {
				rows = append(rows, flagRow(flag))
			}
		}
	}
	return rows
}

func flagRow(flag *kong.Flag) string {
	value := "none"
	if flag.Default != "" {
		value = "`" + flag.Default + "`"
	}
	if flag.IsBool() {
		value = "off"
	}
	return row("`--"+flag.Name+"`", value, strings.ReplaceAll(flag.Help, " ("+flag.Default+")", ""))
}

func commandRows(model *kong.Application) []string {
	var rows []string
	for _, command := range model.Children {
		rows = append(rows, row("`"+command.Name+"`", command.Help))
	}
	return rows
}

// thresholdRows links each alert to its runbook.
func thresholdRows() []string {
	show := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	var rows []string
	for _, t := range alerts.Thresholds() {
		names, meaning, _ := strings.Cut(t.Help, ": ")
		var links []string
		for name := range strings.SplitSeq(names, ", ") {
			links = append(links, fmt.Sprintf("[%s](../alerts/runbooks/%s.md)", name, name))
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s to %s | %s | %s | %s |\n", t.Name, show(t.Default), show(t.Min), show(t.Max), t.Unit, strings.Join(links, ", "), strings.ToUpper(meaning[:1])+meaning[1:]))
	}
	return rows
}
