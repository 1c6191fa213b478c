// Package durable has what all files that must survive a crash are built from: one frame
// format, one way to replace a file, and one error for damage.
package durable
