// Package helm renders the Helm chart in deploy/helm, and tests what the rendered objects
// promise.
//
// It is a separate module, so that the dependencies of Helm and Kubernetes do not determine
// the versions that Prometheus is built from. Nothing in it is concurrent, so its tests run
// without the race detector, which saves a second build of those dependencies.
package helm
