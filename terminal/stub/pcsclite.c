/* The names that libpcsclite.so.1 exports and the crate pcsc-sys imports, for the linker alone: see ../build.rs.
 * Nothing here ever runs. Names as in pcsclite's winscard.h, version 1. */

struct { unsigned long protocol, length; } const g_rgSCardT0Pci, g_rgSCardT1Pci, g_rgSCardRawPci;

#define FUNCTION(name) void name(void) {}

FUNCTION(SCardEstablishContext)
FUNCTION(SCardReleaseContext)
FUNCTION(SCardIsValidContext)
FUNCTION(SCardCancel)
FUNCTION(SCardConnect)
FUNCTION(SCardReconnect)
FUNCTION(SCardDisconnect)
FUNCTION(SCardGetStatusChange)
FUNCTION(SCardListReaders)
FUNCTION(SCardBeginTransaction)
FUNCTION(SCardEndTransaction)
FUNCTION(SCardStatus)
FUNCTION(SCardGetAttrib)
FUNCTION(SCardSetAttrib)
FUNCTION(SCardTransmit)
FUNCTION(SCardControl)
