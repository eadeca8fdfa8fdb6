package ledger

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Check looks at the end of a ledger's file, while its writer may be at work, and tells how many entries
// it has: the entry that the head names has to be there. It does not look at the entries before;
// [Open] and [Read] do.
func Check(dir string) (entries int64, err error) {
	b, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil {
		return 0, fmt.Errorf("check ledger: %w", err)
	}
	var h head
	if err := json.Unmarshal(b, &h); err != nil || h.Seq < 0 {
		return 0, fmt.Errorf("check ledger: %s does not name an entry: restore it with the ledger", headName)
	}
	f, err := os.Open(filepath.Join(dir, FileName))
	if err != nil {
		return 0, fmt.Errorf("check ledger: %w", err)
	}
	defer f.Close() // read only: its error tells nothing
	line := make([]byte, EntryBytes)
	if _, err := f.ReadAt(line, h.Seq*EntryBytes); err != nil {
		return 0, fmt.Errorf("check ledger: entry %d, which the head names, is not there: %w", h.Seq, err)
	}
	e, err := decode(line)
	if err == nil && e.Hash != h.Hash {
		err = fmt.Errorf("the head names another entry %d: head and ledger are not of one time", h.Seq)
	}
	if err != nil {
		return 0, fmt.Errorf("check ledger: %w", err)
	}
	return h.Seq + 1, nil
}
