/* A PKCS#11 module in front of another one, for what no token here can be brought to: the slots come in the other order, tokens
 * without a name tell a time that is none, as openCryptoki 3.8.1 does, and every token's flags have what BETWEEN_FLAGS says.
 * Source: PKCS#11 2.40 §3.2 (CK_TOKEN_INFO), §3.6 (CK_FUNCTION_LIST); as laid out on 64-bit Linux. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long ulong;
struct functions { unsigned char version[8]; void *all[68]; };
struct token {
    unsigned char label[32], manufacturer[32], model[16], serial[16];
    ulong flags, numbers[10];
    unsigned char versions[4], time[16];
};
enum { GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, TOKEN_INITIALIZED = 0x400, CLOCK_ON_TOKEN = 0x40 };

static ulong (*slot_list)(unsigned char, ulong *, ulong *);
static ulong (*token_info)(ulong, struct token *);

static ulong reversed(unsigned char present, ulong *slots, ulong *len)
{
    ulong rv = slot_list(present, slots, len);
    for (ulong a = 0, b = *len; !rv && slots && a + 1 < b; a++) {
        ulong slot = slots[--b];
        slots[b] = slots[a];
        slots[a] = slot;
    }
    return rv;
}

static ulong told(ulong slot, struct token *token)
{
    ulong rv = token_info(slot, token);
    if (!(token->flags & TOKEN_INITIALIZED)) {
        token->flags |= CLOCK_ON_TOKEN;
        memset(token->time, 'x', sizeof token->time);
    }
    const char *more = getenv("BETWEEN_FLAGS");
    if (more)
        token->flags |= strtoul(more, NULL, 16);
    return rv;
}

ulong C_GetFunctionList(struct functions **list)
{
    static struct functions changed;
    struct functions *behind;
    void *module = dlopen(getenv("BETWEEN_MODULE"), RTLD_NOW | RTLD_LOCAL);
    ulong (*get)(struct functions **) = module ? dlsym(module, "C_GetFunctionList") : NULL;
    if (!get || get(&behind))
        return 5; /* CKR_GENERAL_ERROR */
    changed = *behind;
    slot_list = changed.all[GET_SLOT_LIST];
    token_info = changed.all[GET_TOKEN_INFO];
    changed.all[GET_SLOT_LIST] = reversed;
    changed.all[GET_TOKEN_INFO] = told;
    *list = &changed;
    return 0;
}
