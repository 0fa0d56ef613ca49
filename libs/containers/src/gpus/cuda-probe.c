/* Multiplies two matrices of random numbers on the first GPU that CUDA shows, and says how far the result is from that
   of the CPU. Needs the driver alone: it looks for libcuda.so.1 when it runs, and brings its kernel as PTX, which the
   driver compiles. */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 192, THREADS = 128 };

static const char *const KERNEL =
    ".version 6.0\n.target sm_50\n.address_size 64\n"
    ".visible .entry product(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u32 pn)\n"
    "{\n"
    ".reg .pred %p<3>; .reg .f32 %f<4>; .reg .b32 %r<12>; .reg .b64 %rd<12>;\n"
    "ld.param.u64 %rd1, [pa]; ld.param.u64 %rd2, [pb]; ld.param.u64 %rd3, [pc]; ld.param.u32 %r1, [pn];\n"
    "cvta.to.global.u64 %rd1, %rd1; cvta.to.global.u64 %rd2, %rd2; cvta.to.global.u64 %rd3, %rd3;\n"
    "mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x; mad.lo.s32 %r5, %r2, %r3, %r4;\n"
    "mul.lo.s32 %r6, %r1, %r1; setp.ge.s32 %p1, %r5, %r6; @%p1 bra DONE;\n"
    "div.s32 %r7, %r5, %r1; rem.s32 %r8, %r5, %r1;\n"
    "mul.lo.s32 %r9, %r7, %r1; mul.wide.s32 %rd4, %r9, 4; add.s64 %rd5, %rd1, %rd4;\n"
    "mul.wide.s32 %rd6, %r8, 4; add.s64 %rd7, %rd2, %rd6; mul.wide.s32 %rd8, %r1, 4;\n"
    "mov.f32 %f1, 0f00000000; mov.u32 %r10, 0;\n"
    "LOOP:\n"
    "setp.ge.s32 %p2, %r10, %r1; @%p2 bra STORE;\n"
    "ld.global.f32 %f2, [%rd5]; ld.global.f32 %f3, [%rd7]; fma.rn.f32 %f1, %f2, %f3, %f1;\n"
    "add.s64 %rd5, %rd5, 4; add.s64 %rd7, %rd7, %rd8; add.s32 %r10, %r10, 1; bra LOOP;\n"
    "STORE:\n"
    "mul.wide.s32 %rd9, %r5, 4; add.s64 %rd10, %rd3, %rd9; st.global.f32 [%rd10], %f1;\n"
    "DONE:\n"
    "ret;\n"
    "}\n";

static void *driver;

static void end(const char *what, const char *why) {
  printf("{\"failed\":\"%s: %s\"}\n", what, why);
  exit(0);
}

/* Calls a function of the driver by its name, with words as wide as pointers. */
static void call(const char *name, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d) {
  int (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t);
  *(void **)&function = dlsym(driver, name);
  if (!function) end(name, "is not in the driver");
  int result = function(a, b, c, d);
  if (result == 0) return;
  int (*name_of)(int, const char **);
  *(void **)&name_of = dlsym(driver, "cuGetErrorName");
  const char *word = "unknown";
  if (name_of) name_of(result, &word);
  end(name, word);
}

#define WORD(x) ((uintptr_t)(x))

int main(void) {
  driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver) end("libcuda.so.1", "is not found");
  int count = 0, device = 0;
  char name[128] = "";
  size_t memory = 0;
  void *context = 0, *module = 0, *product = 0;
  call("cuInit", 0, 0, 0, 0);
  call("cuDeviceGetCount", WORD(&count), 0, 0, 0);
  call("cuDeviceGet", WORD(&device), 0, 0, 0);
  call("cuDeviceGetName", WORD(name), sizeof name, WORD(device), 0);
  call("cuDeviceTotalMem_v2", WORD(&memory), WORD(device), 0, 0);
  call("cuCtxCreate_v2", WORD(&context), 0, WORD(device), 0);
  call("cuModuleLoadData", WORD(&module), WORD(KERNEL), 0, 0);
  call("cuModuleGetFunction", WORD(&product), WORD(module), WORD("product"), 0);

  static float a[N * N], b[N * N], c[N * N];
  uint64_t places[3];
  unsigned size = N;
  for (int i = 0; i < N * N; i++) {
    a[i] = (float)drand48() - 0.5f;
    b[i] = (float)drand48() - 0.5f;
    c[i] = NAN;
  }
  const float *hosts[3] = {a, b, c};
  for (int i = 0; i < 3; i++) {
    call("cuMemAlloc_v2", WORD(&places[i]), sizeof a, 0, 0);
    call("cuMemcpyHtoD_v2", WORD(places[i]), WORD(hosts[i]), sizeof a, 0);
  }
  void *words[] = {&places[0], &places[1], &places[2], &size};
  int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
  *(void **)&launch = dlsym(driver, "cuLaunchKernel");
  if (!launch) end("cuLaunchKernel", "is not in the driver");
  if (launch(product, (N * N + THREADS - 1) / THREADS, 1, 1, THREADS, 1, 1, 0, 0, words, 0)) end("cuLaunchKernel", "failed");
  call("cuCtxSynchronize", 0, 0, 0, 0);
  call("cuMemcpyDtoH_v2", WORD(c), WORD(places[2]), sizeof c, 0);

  double error = 0, norm = 0;
  for (int i = 0; i < N * N; i++) {
    double sum = 0;
    for (int k = 0; k < N; k++) sum += (double)a[i / N * N + k] * b[k * N + i % N];
    error += (c[i] - sum) * (c[i] - sum);
    norm += sum * sum;
  }
  printf("{\"count\":%d,\"name\":\"%s\",\"memoryMiB\":%zu,\"error\":%.2e}\n", count, name, memory >> 20, sqrt(error / norm));
  return 0;
}
