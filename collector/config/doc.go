// Package config reads the configuration file: customers, quotas, billing periods
// and the settings of the HTTP client.
//
// The file is read strictly. What is not understood is an error, since a quota
// behind a misspelled key is a quota that nobody watches. All problems are reported
// at once, each with its line and column, and no message repeats a value of the
// HTTP client's settings, which may be secret.
package config
