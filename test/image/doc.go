// Package image tests the container image: built from the Dockerfile with buildah, and
// run with podman, without a daemon or a registry.
package image
