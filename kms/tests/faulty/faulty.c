/* A PKCS#11 module that stands before another one and fails when it is told to.
 *
 * Beside this library LIB.so lie:
 *   LIB.so.real      text: path of the module that does the work
 *   LIB.so.d/        orders, one file each: FUNCTION.N (used once, by whichever process meets it first) or FUNCTION.always
 *   LIB.so.calls     what was called, appended: "FUNCTION PID" for C_Initialize and C_Login
 * An order holds a return value in hex ("0x31"), or the word "hang", "crash", or for C_DeriveKey "lie": CKM_AES_CBC_ENCRYPT_DATA is
 * computed of other data than asked.
 *
 * Every function of PKCS #11 2.40 takes at most nine arguments of register size, so one wrapper fits all of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
typedef word function(word, word, word, word, word, word, word, word, word);

struct function_list {
    unsigned char major, minor;
    function *functions[68];
};

static struct function_list *real, ours;
static char self[PATH_MAX];

/* The order of CK_FUNCTION_LIST. */
#define FUNCTIONS(X)                                                                                                     \
    X(0, C_Initialize) X(1, C_Finalize) X(2, C_GetInfo) X(3, C_GetFunctionList) X(4, C_GetSlotList) X(5, C_GetSlotInfo)   \
    X(6, C_GetTokenInfo) X(7, C_GetMechanismList) X(8, C_GetMechanismInfo) X(9, C_InitToken) X(10, C_InitPIN)             \
    X(11, C_SetPIN) X(12, C_OpenSession) X(13, C_CloseSession) X(14, C_CloseAllSessions) X(15, C_GetSessionInfo)          \
    X(18, C_Login) X(19, C_Logout) X(20, C_CreateObject) X(21, C_CopyObject) X(22, C_DestroyObject)                       \
    X(24, C_GetAttributeValue) X(26, C_FindObjectsInit) X(27, C_FindObjects) X(28, C_FindObjectsFinal)                    \
    X(29, C_EncryptInit) X(30, C_Encrypt) X(42, C_SignInit) X(43, C_Sign) X(58, C_GenerateKey) X(59, C_GenerateKeyPair)   \
    X(60, C_WrapKey) X(61, C_UnwrapKey) X(62, C_DeriveKey)

/* Whether an order is there, and what it says; an order for one use is gone afterwards. */
static int order(const char *name, const char *number, char text[16]) {
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s.d/%s.%s", self, name, number);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, 15);
    close(file);
    text[length > 0 ? length : 0] = 0;
    return strcmp(number, "always") == 0 || unlink(path) == 0;
}

static void note(const char *name) {
    char path[PATH_MAX + 64], line[64];
    snprintf(path, sizeof path, "%s.calls", self);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) {
        int length = snprintf(line, sizeof line, "%s %d\n", name, getpid());
        if (write(file, line, (size_t)length) != length)
            abort();
        close(file);
    }
}

/* CK_MECHANISM and CK_AES_CBC_ENCRYPT_DATA_PARAMS. */
struct mechanism { word type; void *parameter; word bytes; };
struct data_parameter { unsigned char iv[16]; unsigned char *data; word bytes; };

static word lie(function *real_one, word a, word b, word c, word d, word e, word f) {
    struct mechanism *asked = (struct mechanism *)b;
    if (asked->type != 0x1105)
        return real_one(a, b, c, d, e, f, 0, 0, 0);
    struct data_parameter parameter = *(struct data_parameter *)asked->parameter;
    unsigned char data[64];
    if (parameter.bytes == 0 || parameter.bytes > sizeof data)
        abort();
    memcpy(data, parameter.data, parameter.bytes);
    data[0] ^= 1;
    parameter.data = data;
    struct mechanism other = {asked->type, &parameter, sizeof parameter};
    return real_one(a, (word)&other, c, d, e, f, 0, 0, 0);
}

static word call(const char *name, function *real_one, word a, word b, word c, word d, word e, word f, word g, word h, word i) {
    static const char *numbers[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "always"};
    char text[16];
    if (!strcmp(name, "C_Login") || !strcmp(name, "C_Initialize"))
        note(name);
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        if (!order(name, numbers[n], text))
            continue;
        if (!strncmp(text, "hang", 4))
            for (;;)
                pause();
        if (!strncmp(text, "crash", 5))
            abort();
        if (!strncmp(text, "lie", 3))
            return lie(real_one, a, b, c, d, e, f);
        return strtoul(text, NULL, 16);
    }
    return real_one(a, b, c, d, e, f, g, h, i);
}

#define WRAPPER(number, name)                                                                                            \
    static word name##_(word a, word b, word c, word d, word e, word f, word g, word h, word i) {                          \
        return call(#name, real->functions[number], a, b, c, d, e, f, g, h, i);                                            \
    }
FUNCTIONS(WRAPPER)

word C_GetFunctionList(struct function_list **list) {
    if (!real) {
        Dl_info info;
        char path[PATH_MAX + 8], target[PATH_MAX] = "";
        if (!dladdr((void *)C_GetFunctionList, &info) || !realpath(info.dli_fname, self))
            return 5;
        snprintf(path, sizeof path, "%s.real", self);
        FILE *file = fopen(path, "r");
        if (!file || !fgets(target, sizeof target, file))
            return 5;
        fclose(file);
        target[strcspn(target, "\n")] = 0;
        void *library = dlopen(target, RTLD_NOW | RTLD_LOCAL);
        word (*get)(struct function_list **) = library ? dlsym(library, "C_GetFunctionList") : NULL;
        if (!get || get(&real))
            return 5;
        ours = *real;
#define PLACE(number, name) ours.functions[number] = name##_;
        FUNCTIONS(PLACE)
        ours.functions[3] = real->functions[3];
    }
    *list = &ours;
    return 0;
}
