package ledger

// Disk lets a test make the device fail.
type Disk = disk

// Device is the disk that the package uses.
var Device = device

// OpenOn and CreateOn are Open and Create on a disk of the test's.
var (
	OpenOn   = open
	CreateOn = create
)
