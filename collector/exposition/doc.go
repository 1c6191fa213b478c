// Package exposition serves /metrics when most of it changes far less often than
// it is read.
//
// A [Rendered] set of families is encoded once for each form that scrapes ask for,
// a form being a format and a content coding. A scrape is then those bytes,
// followed by the few families of an ordinary registry, gathered and encoded anew.
//
// Formats, their negotiation and every encoded sample are those of
// github.com/prometheus/common/expfmt, so a client sees what promhttp would have
// sent. Only the content coding is put together here, because the two halves of a
// body have to become one valid stream.
package exposition
