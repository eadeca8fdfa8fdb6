package verify

// Digest is the SHA-256 of a file, in hexadecimal.
var Digest = digest
