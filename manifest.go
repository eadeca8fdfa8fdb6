package throng

// What is published lies under one base, a directory or an address, with the same names:
//
//	manifest.json                        lists the rest
//	method.json                          what the numbers are made with
//	ledger/ledger.jsonl                  the privacy ledger
//	method/NUMBER.json                   the methods that were in force, the last one too
//	releases/SITE/TABLE/PERIOD.json      the releases
//
// A state directory has the last three under the same names.
const (
	ManifestName       = "manifest.json"
	MethodName         = "method.json"
	MethodVersionsName = "method"
	LedgerName         = "ledger/ledger.jsonl"
	ReleasesName       = "releases"
)

// The forms of the manifest and of the method file.
const (
	ManifestFormat = "throng/manifest/1"
	MethodFormat   = "throng/method/2"
)

// Manifest lists all that is published. It is a function of the ledger and the method: a release is
// listed when the ledger says that it was published.
type Manifest struct {
	Format string     `json:"format"` // always [ManifestFormat]
	Method FileDigest `json:"method"`
	// Ledger is the ledger as it was when the manifest was made. It only grows: its first Bytes bytes
	// have this digest for good.
	Ledger FileDigest `json:"ledger"`
	// Methods are the versions of the method, oldest first.
	Methods []FileDigest `json:"methods,omitempty"`
	// Releases are in the order of their publication.
	Releases []FileDigest `json:"releases"`
}

// FileDigest is a file of a bundle: its name under the base, and the SHA-256 of its content in
// hexadecimal. Bytes is its length, 0 where it is not said.
type FileDigest struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes,omitempty"`
	SHA256 string `json:"sha256"`
}

// Path is the name of the release's file under the base of all that is published.
func (id ReleaseID) Path() string { return ReleasesName + "/" + id.String() + ".json" }

// SiteParameters are the parameters of a site's path table: stricter, or beside further tables.
type SiteParameters struct {
	Site       string     `json:"site"`
	Parameters Parameters `json:"parameters"`
}

// Composition is the privacy loss of one device over several periods, as zero-concentrated
// differential privacy adds it up (Bun and Steinke 2016): Rho is the sum of the periods' ρ, and
// Epsilon = ρ + 2√(ρ ln(1/δ')) at δ' = the noise's δ of one period; Delta has the thresholds' δ added.
type Composition struct {
	Over    string  `json:"over"`
	Periods int     `json:"periods"`
	Rho     float64 `json:"rho"`
	Epsilon float64 `json:"epsilon"`
	Delta   float64 `json:"delta"`
}
