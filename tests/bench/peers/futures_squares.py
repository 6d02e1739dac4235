# Squares by mpi4py.futures, run as: mpirun -n 3 python3 -m mpi4py.futures futures_squares.py TASKS CHUNKSIZE
import json
import sys
import time

from mpi4py.futures import MPIPoolExecutor


def square(n):
    return n * n


if __name__ == "__main__":
    tasks, chunksize = int(sys.argv[1]), int(sys.argv[2])
    with MPIPoolExecutor() as executor:
        list(executor.map(square, range(100)))  # the workers are up
        start = time.perf_counter()
        total = sum(executor.map(square, range(tasks), chunksize=chunksize))
        wall = time.perf_counter() - start
    print(json.dumps({"tasks_per_second": tasks / wall, "sum": total % 2**64}))
