// Package config reads the configuration file: customers, quotas, billing periods and the
// settings of the HTTP client.
//
// Parsing is strict. Anything unknown is an error, because nobody would watch a quota
// behind a misspelled key. All problems are reported at once, each with its line and
// column. No message repeats a value of the HTTP client's settings, which may be secret.
package config
