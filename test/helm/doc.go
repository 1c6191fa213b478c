// Package helm renders the Helm chart in deploy/helm, and tests what the rendered
// objects promise.
//
// It is a module of its own, so that Helm's and Kubernetes' dependencies don't decide
// on the versions that Prometheus is built from. Nothing in it runs at the same time,
// so its tests do without the race detector, and that saves a second build of them.
package helm
