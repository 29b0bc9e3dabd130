// Runs commands from standard input in WasmEdge: runner interpreter|compiled.
//
//   load FILE               a new instance of a module; "ok", or "error" and WasmEdge's message
//   call NAME TYPE:BITS…    calls an export; "=" and the results, or "trap" and WasmEdge's message
//   seed NUMBER             fills the memory that is exported as "memory" with pseudo-random bytes
//   grow PAGES              lets this memory grow from outside the module
//   hash                    prints a hash of this memory
//
// A trap leaves the instance as it is, so later commands see what it has written.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasmedge/wasmedge.h>

static WasmEdge_ConfigureContext *config;
static WasmEdge_VMContext *vm;
static bool compile;

static void print_error(const char *word, WasmEdge_Result result) {
    printf("%s %s\n", word, WasmEdge_ResultGetMessage(result));
}

static void load(const char *path) {
    char compiled[4096];
    WasmEdge_Result result = WasmEdge_Result_Success;
    if (vm) WasmEdge_VMDelete(vm);
    vm = WasmEdge_VMCreate(config, NULL);
    if (compile) {
        snprintf(compiled, sizeof compiled, "%s.so", path);
        WasmEdge_CompilerContext *compiler = WasmEdge_CompilerCreate(config);
        result = WasmEdge_CompilerCompile(compiler, path, compiled);
        WasmEdge_CompilerDelete(compiler);
        path = compiled;
    }
    if (WasmEdge_ResultOK(result)) result = WasmEdge_VMLoadWasmFromFile(vm, path);
    if (WasmEdge_ResultOK(result)) result = WasmEdge_VMValidate(vm);
    if (WasmEdge_ResultOK(result)) result = WasmEdge_VMInstantiate(vm);
    if (WasmEdge_ResultOK(result)) puts("ok");
    else print_error("error", result);
}

static WasmEdge_Value parse(const char *word) {
    uint64_t bits = strtoull(word + 4, NULL, 10);
    uint32_t low = (uint32_t)bits;
    float single;
    double twice;
    memcpy(&single, &low, sizeof single);
    memcpy(&twice, &bits, sizeof twice);
    if (!strncmp(word, "i32", 3)) return WasmEdge_ValueGenI32((int32_t)low);
    if (!strncmp(word, "i64", 3)) return WasmEdge_ValueGenI64((int64_t)bits);
    if (!strncmp(word, "f32", 3)) return WasmEdge_ValueGenF32(single);
    return WasmEdge_ValueGenF64(twice);
}

static void print_value(WasmEdge_Value value) {
    if (WasmEdge_ValTypeIsI32(value.Type)) printf(" i32:%" PRIu32, (uint32_t)WasmEdge_ValueGetI32(value));
    else if (WasmEdge_ValTypeIsI64(value.Type)) printf(" i64:%" PRIu64, (uint64_t)WasmEdge_ValueGetI64(value));
    else if (WasmEdge_ValTypeIsF32(value.Type)) {
        float number = WasmEdge_ValueGetF32(value);
        uint32_t bits;
        memcpy(&bits, &number, sizeof bits);
        printf(" f32:%" PRIu32, bits);
    } else if (WasmEdge_ValTypeIsF64(value.Type)) {
        double number = WasmEdge_ValueGetF64(value);
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        printf(" f64:%" PRIu64, bits);
    } else printf(" reference");
}

static void call(char *words) {
    WasmEdge_Value arguments[16], results[16];
    uint32_t count = 0;
    WasmEdge_String name = WasmEdge_StringWrap(words, (uint32_t)strlen(words));
    for (char *word; count < 16 && (word = strtok(NULL, " "));) arguments[count++] = parse(word);
    const WasmEdge_FunctionTypeContext *type = WasmEdge_VMGetFunctionType(vm, name);
    uint32_t returned = type ? WasmEdge_FunctionTypeGetReturnsLength(type) : 0;
    WasmEdge_Result result = WasmEdge_VMExecute(vm, name, arguments, count, results, returned);
    if (!WasmEdge_ResultOK(result)) {
        print_error("trap", result);
        return;
    }
    putchar('=');
    for (uint32_t i = 0; i < returned; i++) print_value(results[i]);
    putchar('\n');
}

static WasmEdge_MemoryInstanceContext *memory(void) {
    WasmEdge_String name = WasmEdge_StringWrap("memory", 6);
    return WasmEdge_ModuleInstanceFindMemory(WasmEdge_VMGetActiveModule(vm), name);
}

// The generator and the hash must be those of properties.rs.
static void seed(uint64_t state) {
    uint64_t size = 65536ull * WasmEdge_MemoryInstanceGetPageSize(memory());
    uint8_t *bytes = WasmEdge_MemoryInstanceGetPointer(memory(), 0, size);
    for (uint64_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
    puts("ok");
}

static void hash(void) {
    uint64_t size = 65536ull * WasmEdge_MemoryInstanceGetPageSize(memory());
    const uint8_t *bytes = WasmEdge_MemoryInstanceGetPointerConst(memory(), 0, size);
    uint64_t value = size;
    for (uint64_t i = 0; i < size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        value = (value ^ word) * 1099511628211u;
        value ^= value >> 29;
    }
    printf("hash %" PRIu64 "\n", value);
}

int main(int count, char **arguments) {
    static char line[65536];
    compile = count > 1 && !strcmp(arguments[1], "compiled");
    WasmEdge_LogOff();
    config = WasmEdge_ConfigureCreate();
    WasmEdge_ConfigureSetForceInterpreter(config, !compile);
    WasmEdge_ConfigureCompilerSetOutputFormat(config, WasmEdge_CompilerOutputFormat_Native);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *command = strtok(line, " "), *argument = strtok(NULL, " ");
        if (!command) continue;
        if (!strcmp(command, "load")) load(argument);
        else if (!strcmp(command, "call")) call(argument);
        else if (!strcmp(command, "seed")) seed(strtoull(argument, NULL, 10));
        else if (!strcmp(command, "hash")) hash();
        else if (!strcmp(command, "grow")) {
            WasmEdge_Result result = WasmEdge_MemoryInstanceGrowPage(memory(), (uint32_t)atoi(argument));
            puts(WasmEdge_ResultOK(result) ? "ok" : "error");
        }
    }
    return 0;
}
