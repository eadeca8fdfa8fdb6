package embedded

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// frame and a tag of 16 characters, which the header X-ClickHouse-Exception-Tag announced, mark an
// exception inside a body.
const frame = "__exception__"

func (o *output) begin() {
	o.tag = rand.Text()[:16]
	o.w.Header().Set("X-ClickHouse-Exception-Tag", o.tag)
	o.w.WriteHeader(http.StatusOK)
}

const handshakeQuery = "SELECT displayName(), version(), revision(), timezone()"

// isHandshake knows the driver's first query. The engine cannot answer it: the driver reads all later
// results by the revision that it gets, and the engine writes Native at revision 0 whatever it says
// of itself.
func isHandshake(req *request) bool {
	return strings.EqualFold(req.format, "Native") && strings.HasPrefix(req.statement, handshakeQuery)
}

// handshake is the answer, a Native block of one row. It is itself read by the client's revision.
func (e *Engine) handshake(clientRevision int) []byte {
	var name, version, zone proto.ColStr
	name.Append("throng")
	version.Append(e.version)
	zone.Append(e.zone)
	revision := proto.ColUInt32{0}
	columns := []proto.InputColumn{
		{Name: "displayName()", Data: &name},
		{Name: "version()", Data: &version},
		{Name: "revision()", Data: &revision},
		{Name: "timezone()", Data: &zone},
	}
	var b proto.Buffer
	block := proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: len(columns), Rows: 1}
	if err := block.EncodeBlock(&b, clientRevision, columns); err != nil {
		panic("encode handshake: " + err.Error()) // four fixed columns of one row
	}
	return b.Buf
}
