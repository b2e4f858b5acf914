typedef int cpu_unused;
