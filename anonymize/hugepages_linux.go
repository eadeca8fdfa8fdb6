package anonymize

import (
	"syscall"
	"unsafe"
)

// onHugePages asks the system to lay a large table on pages of 2 MiB where it can. A look-up reads one place
// of millions: on pages of 4 KiB the processor then waits twice, for the page's address and for the place,
// and in a virtual machine longer for the address. Most systems give such pages only where they are asked for.
//
// It is advice: a system without such pages refuses it, and the table is as good as before.
func onHugePages[T any](table []T) []T {
	const page = 2 << 20
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(table))), len(table)*int(unsafe.Sizeof(table[0])))
	first := int(-uintptr(unsafe.Pointer(unsafe.SliceData(bytes))) % page) // of the first page that is the table's alone
	if end := first + (len(bytes)-first)/page*page; end > first {
		_ = syscall.Madvise(bytes[first:end], syscall.MADV_HUGEPAGE)
	}
	return table
}
