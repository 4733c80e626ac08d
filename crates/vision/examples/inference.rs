//! Times the inference engine alone, for `bench/inference.py`.
//!
//! ```text
//! cargo run --release -p sightline-vision --example inference -- MODEL.onnx INPUTS OUTPUTS RUNS
//! ```
//!
//! `INPUTS` holds one or more input tensors of the model as little-endian `f32`. Their outputs go to `OUTPUTS` in the
//! same form: for each input, all outputs in the model's order. The model is loaded as the recogniser loads it and
//! runs on one thread. Prints the names of the outputs, the milliseconds of loading, and those of each of `RUNS` runs
//! per input as one line of JSON.

#![expect(clippy::print_stdout, reason = "the result goes to standard output")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use rten::{Dimension, ModelOptions, RunOptions, ThreadPool, Value, ValueView};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, inputs, outputs, runs] = arguments.as_slice() else {
        return Err("usage: inference MODEL.onnx INPUTS OUTPUTS RUNS".into());
    };
    let runs: usize = runs.parse()?;

    let start = Instant::now();
    let model = ModelOptions::with_all_ops()
        .prepack_weights(true)
        .load(std::fs::read(model)?)?;
    let loading = milliseconds(start);

    let shape = model
        .input_shape(0)
        .ok_or("the model does not declare the shape of its input")?
        .iter()
        .map(|side| match side {
            Dimension::Fixed(side) => Ok(*side),
            Dimension::Symbolic(name) => Err(format!("the input's side {name} is not fixed")),
        })
        .collect::<Result<Vec<usize>, String>>()?;
    let size: usize = shape.iter().product();
    let inputs: Vec<f32> = std::fs::read(inputs)?
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();

    let [input] = *model.input_ids() else {
        return Err("the model must have one input".into());
    };
    let threads = Arc::new(ThreadPool::with_num_threads(1));
    let run = |tensor: &[f32]| -> Result<Vec<Value>, Box<dyn Error>> {
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&threads)));
        let view = ValueView::from_shape(&shape, tensor)?;
        Ok(model.run(
            vec![(input, view.into())],
            model.output_ids(),
            Some(options),
        )?)
    };

    let mut found: Vec<u8> = Vec::new();
    for tensor in inputs.chunks_exact(size) {
        for value in run(tensor)? {
            let Value::FloatTensor(values) = value else {
                return Err("the outputs must be floats".into());
            };
            found.extend(values.into_data().iter().flat_map(|v| v.to_le_bytes()));
        }
    }
    std::fs::write(outputs, found)?;

    let mut times = Vec::new();
    for _ in 0..runs {
        for tensor in inputs.chunks_exact(size) {
            let start = Instant::now();
            run(tensor)?;
            times.push(milliseconds(start));
        }
    }
    let names: Vec<Option<&str>> = model
        .output_ids()
        .iter()
        .map(|node| model.node_info(*node).and_then(|info| info.name()))
        .collect();
    println!(
        "{}",
        json!({"outputs": names, "loading": loading, "times": times})
    );
    Ok(())
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
