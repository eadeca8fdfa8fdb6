// Package throng holds the vocabulary of Throng: the words that its rooms share and nothing else.
//
// Throng turns web access logs into readership tables that are safe to publish. Data goes one way:
//
//	line → Record → Event → block → cell → release → page
//
// A line and a Record exist only in the memory of the process that reads them (packages ingest,
// ingest/accesslog and anonymize). An [Event] is what is left after anonymization; blocks of events
// travel through Kafka into ClickHouse. The visits of a closed [Period] are bounded, gathered into
// cells, gated, covered with noise and written once as a [Release]; pages show releases.
//
// The package imports the standard library only, does no input or output and starts nothing.
package throng
