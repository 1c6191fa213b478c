// Package durable has what every file of the exporter that must survive a crash is made
// of: one format of frames, one way to replace a file, and one error for damage.
package durable
