// Package exposition serves /metrics, optimized for the case that few samples change
// between two scrapes.
//
// The samples of each family are divided into blocks. A block is encoded and compressed
// once for each variant that scrapes request: a combination of format and content coding.
// Before a scrape, all samples are compared with those of earlier blocks. A block with
// unchanged samples is reused, and only the others are encoded. A response body consists of
// the blocks of all families, followed by the few families of an ordinary registry, which
// are gathered and encoded for each scrape.
//
// Formats, content negotiation and the encoding of samples are those of
// github.com/prometheus/common/expfmt, so a client gets what promhttp would have sent.
// This package only assembles the frame of a protobuf message and the content coding,
// because the blocks have to form one valid stream.
package exposition
