// Package exposition serves /metrics when little of it changes between two scrapes.
//
// The samples of each family are cut into blocks, and a block is encoded and compressed
// once for each variant that scrapes ask for, a variant being a format and a content
// coding. Before a scrape, every sample is compared with those of the blocks made
// earlier: a block whose samples are the same is used again, whatever happened in
// between, and only the others are encoded. A body is the blocks of all families,
// followed by the few families of an ordinary registry, which are gathered and encoded
// for each scrape.
//
// Formats, their negotiation and every encoded sample are those of
// github.com/prometheus/common/expfmt, so a client sees what promhttp would have sent.
// Only the frame of a protobuf message and the content coding are put together here,
// because the blocks have to become one valid stream.
package exposition
