//! From the fields of a file to a [`Model`], within the bounds of this folder.

use super::wire::{Field, Fields};
use super::{
    Attribute, AttributeValue, DEPTH_MAX, Dim, Element, Error, Function, Graph, IR_VERSIONS, Initializer, MODEL_BYTES_MAX, Model,
    NODES_MAX, NUMBERS_MAX, Node, OPSETS, PARTS_MAX, Port, PortKind,
};

/// What may still be taken before the file is refused.
struct Budget {
    nodes: usize,
    parts: usize,
    numbers: usize,
    weight_bytes: usize,
}

impl Budget {
    fn node(&mut self) -> Result<(), Error> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Error::TooMany { what: "nodes", max: NODES_MAX })?;
        Ok(())
    }

    fn part(&mut self) -> Result<(), Error> {
        self.parts = self.parts.checked_sub(1).ok_or(Error::TooMany { what: "names and attributes", max: PARTS_MAX })?;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        self.numbers = self.numbers.checked_sub(1).ok_or(Error::TooMany { what: "numbers in attributes", max: NUMBERS_MAX })?;
        Ok(())
    }

    fn text(&mut self, field: Field<'_>) -> Result<String, Error> {
        self.part()?;
        field.text().map(str::to_owned)
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Model, Error> {
    if bytes.len() > MODEL_BYTES_MAX {
        return Err(Error::Broken(format!("it has {} bytes; at most {MODEL_BYTES_MAX} are read", bytes.len())));
    }
    let mut budget = Budget { nodes: NODES_MAX, parts: PARTS_MAX, numbers: NUMBERS_MAX, weight_bytes: 0 };
    let (mut ir_version, mut producer, mut graph) = (None, String::new(), None);
    let (mut opsets, mut functions) = (Vec::new(), Vec::new());
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => ir_version = Some(field.int()?),
            2 => producer = budget.text(field)?,
            7 => graph = Some(read_graph(field.bytes()?, 0, &mut budget)?),
            8 => opsets.push(read_opset(field.bytes()?, &mut budget)?),
            25 => functions.push(read_function(field.bytes()?, &mut budget)?),
            _ => {}
        }
    }
    let ir_version = ir_version.ok_or_else(|| Error::Broken("it does not say which version of the format it is".to_owned()))?;
    let graph = graph.ok_or_else(|| Error::Broken("it holds no graph".to_owned()))?;
    if !IR_VERSIONS.contains(&ir_version) {
        let (from, to) = (IR_VERSIONS.start(), IR_VERSIONS.end());
        return Err(Error::Unknown(format!("it is of IR version {ir_version}; known are {from} to {to}")));
    }
    check_opsets(&opsets)?;
    let weight_bytes = budget.weight_bytes;
    Ok(Model { bytes: [].into(), sha256: [0; 32], ir_version, producer, opsets, graph, functions, weight_bytes })
}

fn check_opsets(opsets: &[(String, i64)]) -> Result<(), Error> {
    if opsets.is_empty() {
        return Err(Error::Broken("it names no operator set".to_owned()));
    }
    for (domain, version) in opsets {
        let newest = OPSETS.iter().find(|(own, _)| own == domain).map_or(i64::MAX, |(_, newest)| *newest);
        if *version < 1 || *version > newest {
            let shown = if domain.is_empty() { "ai.onnx" } else { domain };
            return Err(Error::Unknown(format!("it needs version {version} of the operators of {shown}; known are 1 to {newest}")));
        }
    }
    Ok(())
}

fn read_opset(bytes: &[u8], budget: &mut Budget) -> Result<(String, i64), Error> {
    let (mut domain, mut version) = (String::new(), 0);
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => domain = plain_domain(budget.text(field)?),
            2 => version = field.int()?,
            _ => {}
        }
    }
    budget.part()?;
    Ok((domain, version))
}

/// `ai.onnx` is the long name of no domain at all.
fn plain_domain(domain: String) -> String {
    if domain == "ai.onnx" { String::new() } else { domain }
}

fn read_graph(bytes: &[u8], depth: usize, budget: &mut Budget) -> Result<Graph, Error> {
    if depth > DEPTH_MAX {
        return Err(Error::TooDeep);
    }
    let mut graph = Graph::default();
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => graph.nodes.push(read_node(field.bytes()?, depth, budget)?),
            2 => graph.name = budget.text(field)?,
            5 => graph.initializers.push(read_initializer(field.bytes()?, budget)?),
            11 => graph.inputs.push(read_port(field.bytes()?, budget)?),
            12 => graph.outputs.push(read_port(field.bytes()?, budget)?),
            15 => return Err(Error::Unknown("it has sparse weights, which are not read".to_owned())),
            _ => {}
        }
    }
    Ok(graph)
}

fn read_function(bytes: &[u8], budget: &mut Budget) -> Result<Function, Error> {
    let mut function = Function::default();
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => function.name = budget.text(field)?,
            7 => function.nodes.push(read_node(field.bytes()?, 0, budget)?),
            10 => function.domain = plain_domain(budget.text(field)?),
            _ => {}
        }
    }
    budget.part()?;
    Ok(function)
}

fn read_node(bytes: &[u8], depth: usize, budget: &mut Budget) -> Result<Node, Error> {
    budget.node()?;
    let mut node = Node::default();
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => node.inputs.push(budget.text(field)?),
            2 => node.outputs.push(budget.text(field)?),
            3 => node.name = budget.text(field)?,
            4 => node.op = budget.text(field)?,
            5 => node.attributes.push(read_attribute(field.bytes()?, depth, budget)?),
            7 => node.domain = plain_domain(budget.text(field)?),
            _ => {}
        }
    }
    Ok(node)
}

fn read_attribute(bytes: &[u8], depth: usize, budget: &mut Budget) -> Result<Attribute, Error> {
    budget.part()?;
    let (mut name, mut value) = (String::new(), AttributeValue::Opaque);
    let (mut floats, mut ints, mut texts, mut graphs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => name = budget.text(field)?,
            2 => value = AttributeValue::Float(field.float()?),
            3 => value = AttributeValue::Int(field.int()?),
            // Such texts may be any bytes; what is not UTF-8 is of no use to us.
            4 => value = field.text().map_or(AttributeValue::Opaque, |text| AttributeValue::Text(text.to_owned())),
            // Weights may hide in attributes as well.
            5 | 10 => {
                read_initializer(field.bytes()?, budget)?;
            }
            6 | 11 => graphs.push(read_graph(field.bytes()?, depth + 1, budget)?),
            7 => field.floats(&mut |float| {
                budget.number()?;
                floats.push(float);
                Ok(())
            })?,
            8 => field.ints(&mut |int| {
                budget.number()?;
                ints.push(int);
                Ok(())
            })?,
            9 => {
                budget.part()?;
                texts.push(String::from_utf8_lossy(field.bytes()?).into_owned());
            }
            _ => {}
        }
    }
    if !graphs.is_empty() {
        value = AttributeValue::Graphs(graphs);
    } else if !floats.is_empty() {
        value = AttributeValue::Floats(floats);
    } else if !ints.is_empty() {
        value = AttributeValue::Ints(ints);
    } else if !texts.is_empty() {
        value = AttributeValue::Texts(texts);
    }
    Ok(Attribute { name, value })
}

fn read_initializer(bytes: &[u8], budget: &mut Budget) -> Result<Initializer, Error> {
    let (mut name, mut element, mut dims) = (String::new(), None, Vec::new());
    let (mut raw, mut is_external) = (None, false);
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => field.ints(&mut |dim| {
                budget.part()?;
                let size = usize::try_from(dim).map_err(|_| Error::Broken(format!("weights have the dimension {dim}")))?;
                dims.push(size);
                Ok(())
            })?,
            2 => element = Element::from_number(field.int()?),
            8 => name = budget.text(field)?,
            9 => raw = Some(field.bytes()?.len()),
            13 => is_external = true,
            14 => is_external |= field.int()? == 1,
            _ => {}
        }
    }
    if is_external {
        return Err(Error::External { tensor: name });
    }
    let element = element.ok_or_else(|| Error::Unknown(format!("the weights `{name}` are of an unknown type")))?;
    // What is declared is what a runtime will allocate, whatever the file really holds.
    let declared = declared_bytes(element, &dims);
    let within = declared.filter(|declared| budget.weight_bytes + declared <= MODEL_BYTES_MAX);
    let Some(declared) = within else {
        return Err(Error::Broken(format!("the weights `{name}` of {dims:?} declare more than {MODEL_BYTES_MAX} bytes")));
    };
    if let Some(raw) = raw
        && raw != declared
    {
        return Err(Error::Broken(format!("the weights `{name}` of {dims:?} need {declared} bytes and have {raw}")));
    }
    budget.weight_bytes += declared;
    Ok(Initializer { name, element, dims })
}

fn declared_bytes(element: Element, dims: &[usize]) -> Option<usize> {
    let elements = dims.iter().try_fold(1_usize, |product, dim| product.checked_mul(*dim))?;
    // A text takes at least the place that says where it is.
    Some(elements.checked_mul(element.bits().unwrap_or(64))?.div_ceil(8))
}

fn read_port(bytes: &[u8], budget: &mut Budget) -> Result<Port, Error> {
    let mut port = Port { name: String::new(), kind: PortKind::Unstated };
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => port.name = budget.text(field)?,
            2 => port.kind = read_kind(field.bytes()?, budget)?,
            _ => {}
        }
    }
    Ok(port)
}

fn read_kind(bytes: &[u8], budget: &mut Budget) -> Result<PortKind, Error> {
    let mut kind = PortKind::Unstated;
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => kind = read_tensor_kind(field.bytes()?, budget)?,
            4 => kind = PortKind::Sequence,
            5 => kind = PortKind::Map,
            8 => kind = PortKind::Sparse,
            9 => kind = PortKind::Optional,
            _ => {}
        }
    }
    Ok(kind)
}

fn read_tensor_kind(bytes: &[u8], budget: &mut Budget) -> Result<PortKind, Error> {
    let (mut kind, mut dims) = (PortKind::Unstated, None);
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => {
                let code = field.int()?;
                let element = Element::from_number(code).ok_or_else(|| Error::Unknown(format!("elements of the unknown type {code}")))?;
                kind = PortKind::Tensor { element, dims: None };
            }
            2 => dims = Some(read_dims(field.bytes()?, budget)?),
            _ => {}
        }
    }
    if let PortKind::Tensor { dims: own, .. } = &mut kind {
        *own = dims;
    }
    Ok(kind)
}

fn read_dims(bytes: &[u8], budget: &mut Budget) -> Result<Vec<Dim>, Error> {
    let mut dims = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        if number == 1 {
            budget.part()?;
            dims.push(read_dim(field.bytes()?, budget)?);
        }
    }
    Ok(dims)
}

/// Exporters also write an open dimension as -1, and as 0 where nothing can have no elements.
fn read_dim(bytes: &[u8], budget: &mut Budget) -> Result<Dim, Error> {
    let mut dim = Dim::Open;
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => dim = usize::try_from(field.int()?).ok().filter(|size| *size > 0).map_or(Dim::Open, Dim::Fixed),
            2 => {
                let name = budget.text(field)?;
                dim = if name.is_empty() { Dim::Open } else { Dim::Symbol(name) };
            }
            _ => {}
        }
    }
    Ok(dim)
}
