package accesslog_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"throng/ingest/accesslog"
)

const formatsPreamble = `# Formats of access logs

Made from the table of formats in ingest/accesslog (` + "`go test ./ingest/accesslog -run TestFormatsDocument -update`" + `).
`

// TestFormatsDocument holds docs/formats.md to the table of formats.
func TestFormatsDocument(t *testing.T) {
	doc := []byte(formatsPreamble)
	for _, p := range accesslog.Presets() {
		doc = fmt.Appendf(doc, "\n## %s\n\n%s.\n", p.Name, p.Title)
		for _, s := range p.Snippets {
			doc = fmt.Appendf(doc, "\n%s:\n\n```%s\n%s\n```\n", s.Server, s.Language, s.Text)
		}
		doc = fmt.Appendf(doc, "\n%s\n", p.Notes)
	}
	golden(t, filepath.Join("..", "..", "docs", "formats.md"), doc)
}
